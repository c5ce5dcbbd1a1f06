/** How people, streets and companies are called where a customer lives. */
export interface Tongue {
  readonly firstNames: readonly string[];
  readonly surnames: readonly string[];
  readonly streets: readonly string[];
  /** French addresses begin with the house number. */
  readonly numberFirst?: true;
}

export interface Country {
  readonly name: string;
  readonly tongue: Tongue;
  readonly dialCode: string;
  /** Each `#` becomes a digit. */
  readonly postcode: string;
  readonly legalForms: readonly string[];
}

export interface City {
  readonly name: string;
  readonly country: Country;
  readonly latitude: number;
  readonly longitude: number;
}

export interface Region {
  readonly name: string;
  readonly cities: readonly City[];
}

function list(words: string): readonly string[] {
  return words.split(', ');
}

const GERMAN: Tongue = {
  firstNames: list(
    'Anja, Bernd, Claudia, Dieter, Elke, Florian, Greta, Heiko, Ines, Jürgen, Katrin, Lars, Monika, Uwe',
  ),
  surnames: list(
    'Bauer, Brandt, Fischer, Graf, Hofmann, Huber, Krüger, Lang, Moser, Neumann, Richter, Schäfer, Vogt, Weiß',
  ),
  streets: list(
    'Lindenstraße, Bahnhofstraße, Gartenweg, Hauptstraße, Mühlenweg, Am Markt, Schillerstraße, Industriestraße',
  ),
};
const FRENCH: Tongue = {
  firstNames: list('Amélie, Benoît, Camille, Didier, Élise, François, Hélène, Julien, Lucie, Mathieu, Nadine, Olivier'),
  surnames: list(
    'Bernard, Blanc, Chevalier, Dubois, Fontaine, Garnier, Lambert, Lefèvre, Marchand, Perrin, Roux, Vidal',
  ),
  streets: list(
    'rue de la Gare, avenue Victor Hugo, rue des Lilas, rue du Moulin, place du Marché, quai des Tanneurs, rue Pasteur',
  ),
  numberFirst: true,
};
const DUTCH: Tongue = {
  firstNames: list('Annelies, Bram, Daan, Femke, Geert, Hanneke, Joost, Lotte, Marijke, Pieter, Sanne, Wouter'),
  surnames: list('Bakker, Bos, De Vries, Dekker, Hendriks, Jacobs, Kok, Maes, Mulder, Peeters, Smit, Van Dijk'),
  streets: list('Stationsweg, Dorpsstraat, Kerkstraat, Havenkade, Molenlaan, Beukenlaan, Nieuwstraat, Industrieweg'),
};
const ITALIAN: Tongue = {
  firstNames: list('Alessia, Bruno, Chiara, Davide, Elena, Fabio, Giulia, Lorenzo, Marta, Nicola, Paola, Stefano'),
  surnames: list('Barbieri, Caruso, Conti, Esposito, Ferrari, Galli, Greco, Longo, Marino, Ricci, Serra, Villa'),
  streets: list(
    'Via Garibaldi, Via Mazzini, Corso Italia, Via Dante, Viale dei Mille, Via della Stazione, Piazza Cavour',
  ),
};
const NORDIC: Tongue = {
  firstNames: list('Astrid, Bo, Elin, Fredrik, Göran, Ingrid, Jens, Karin, Mads, Nanna, Rikke, Søren'),
  surnames: list(
    'Berglund, Christensen, Dahl, Ekström, Holm, Jensen, Lindqvist, Møller, Nyström, Rasmussen, Sandberg, Åkesson',
  ),
  streets: list('Storgatan, Kungsgatan, Skolgade, Havnegade, Nygatan, Fabriksgatan, Vestergade, Parkvägen'),
};
const SPANISH: Tongue = {
  firstNames: list('Adrián, Beatriz, Carlos, Elvira, Gonzalo, Inés, Javier, Lucía, Marcos, Nuria, Óscar, Teresa'),
  surnames: list('Alonso, Castro, Delgado, Fuentes, Herrera, Ibáñez, Morales, Navarro, Ortega, Prieto, Soler, Vega'),
  streets: list(
    'Calle Mayor, Calle del Sol, Avenida de la Paz, Calle San Juan, Paseo del Prado, Ronda Norte, Calle Nueva',
  ),
};
const PORTUGUESE: Tongue = {
  firstNames: list('Afonso, Bárbara, Catarina, Duarte, Filipa, Gonçalo, Helena, João, Leonor, Rui, Sofia, Vasco'),
  surnames: list('Almeida, Barros, Cardoso, Esteves, Faria, Lopes, Matos, Nogueira, Pinto, Ramos, Tavares, Valente'),
  streets: list(
    'Rua Augusta, Rua das Flores, Avenida da Liberdade, Rua do Carmo, Rua Nova, Travessa do Rio, Largo da Feira',
  ),
};

function country(name: string, tongue: Tongue, dialCode: string, postcode: string, legalForms: string): Country {
  return { name, tongue, dialCode, postcode, legalForms: list(legalForms) };
}

const GERMANY = country('Germany', GERMAN, '+49', '#####', 'GmbH, KG, AG, GmbH & Co. KG');
const SWITZERLAND = country('Switzerland', GERMAN, '+41', '####', 'AG, GmbH');
const AUSTRIA = country('Austria', GERMAN, '+43', '####', 'GmbH, KG, OG');
const FRANCE = country('France', FRENCH, '+33', '#####', 'SA, SAS, SARL');
const NETHERLANDS = country('Netherlands', DUTCH, '+31', '#### AB', 'B.V., N.V., V.O.F.');
const BELGIUM = country('Belgium', DUTCH, '+32', '####', 'BV, NV');
const ITALY = country('Italy', ITALIAN, '+39', '#####', 'S.r.l., S.p.A., S.n.c.');
const SWEDEN = country('Sweden', NORDIC, '+46', '### ##', 'AB');
const DENMARK = country('Denmark', NORDIC, '+45', '####', 'A/S, ApS');
const SPAIN = country('Spain', SPANISH, '+34', '#####', 'S.L., S.A.');
const PORTUGAL = country('Portugal', PORTUGUESE, '+351', '####-###', 'Lda., S.A.');

function city(name: string, inCountry: Country, latitude: number, longitude: number): City {
  return { name, country: inCountry, latitude, longitude };
}

/** One region for each team, in the order of the teams' numbers. */
export const REGIONS: readonly Region[] = [
  { name: 'Alps', cities: [
    city('Zürich', SWITZERLAND, 47.377, 8.541), city('Bern', SWITZERLAND, 46.948, 7.447),
    city('Basel', SWITZERLAND, 47.56, 7.589), city('Wien', AUSTRIA, 48.208, 16.373),
    city('Innsbruck', AUSTRIA, 47.269, 11.404)] },
  { name: 'Germany North', cities: [
    city('Hamburg', GERMANY, 53.551, 9.994), city('Bremen', GERMANY, 53.079, 8.802),
    city('Hannover', GERMANY, 52.376, 9.732), city('Berlin', GERMANY, 52.52, 13.405),
    city('Leipzig', GERMANY, 51.34, 12.375)] },
  { name: 'Germany South', cities: [
    city('München', GERMANY, 48.137, 11.575), city('Stuttgart', GERMANY, 48.776, 9.183),
    city('Nürnberg', GERMANY, 49.452, 11.077), city('Frankfurt am Main', GERMANY, 50.111, 8.682),
    city('Freiburg', GERMANY, 47.999, 7.842)] },
  { name: 'France', cities: [
    city('Paris', FRANCE, 48.857, 2.352), city('Lyon', FRANCE, 45.764, 4.836),
    city('Marseille', FRANCE, 43.296, 5.37), city('Toulouse', FRANCE, 43.605, 1.444),
    city('Lille', FRANCE, 50.629, 3.057)] },
  { name: 'Benelux', cities: [
    city('Amsterdam', NETHERLANDS, 52.368, 4.904), city('Rotterdam', NETHERLANDS, 51.924, 4.478),
    city('Utrecht', NETHERLANDS, 52.091, 5.122), city('Antwerpen', BELGIUM, 51.219, 4.402),
    city('Gent', BELGIUM, 51.054, 3.717)] },
  { name: 'Italy', cities: [
    city('Milano', ITALY, 45.464, 9.19), city('Torino', ITALY, 45.07, 7.687),
    city('Bologna', ITALY, 44.494, 11.343), city('Roma', ITALY, 41.903, 12.496),
    city('Napoli', ITALY, 40.852, 14.268)] },
  { name: 'Nordics', cities: [
    city('Stockholm', SWEDEN, 59.329, 18.069), city('Göteborg', SWEDEN, 57.709, 11.975),
    city('Malmö', SWEDEN, 55.605, 13.004), city('København', DENMARK, 55.676, 12.568),
    city('Aarhus', DENMARK, 56.163, 10.204)] },
  { name: 'Iberia', cities: [
    city('Madrid', SPAIN, 40.417, -3.704), city('Barcelona', SPAIN, 41.387, 2.17),
    city('Valencia', SPAIN, 39.47, -0.376), city('Lisboa', PORTUGAL, 38.722, -9.139),
    city('Porto', PORTUGAL, 41.158, -8.629)] },
];
