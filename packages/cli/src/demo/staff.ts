import type { DatabaseSync } from 'node:sqlite';
import { REGIONS } from './places.ts';
import { at, Random } from './random.ts';
import { insertInto } from './schema.ts';
import { phoneNumber, slug } from './texts.ts';
import { SKILLS } from './words.ts';

export interface Technician {
  /** The login name. */
  readonly id: string;
  readonly name: string;
  /** From 1; team n works in the n-th region. */
  readonly teamId: number;
}

/** Written out, not drawn: guides and tests can count on these logins. Five to a team, team by team. */
const NAMES = [
  'Anna Keller', 'Luca Meier', 'Sophie Gruber', 'Reto Baumann', 'Eva Steiner',
  'Jan Petersen', 'Maike Hansen', 'Timo Schulz', 'Birgit Lehmann', 'Olaf Krause',
  'Johanna Maier', 'Markus Wagner', 'Sabine Roth', 'Tobias Frank', 'Petra Winter',
  'Claire Moreau', 'Antoine Girard', 'Manon Leroy', 'Pascal Mercier', 'Juliette Faure',
  'Sven Visser', 'Eline Janssen', 'Ruben Claes', 'Noor Willems', 'Thijs Vermeer',
  'Marco Rossi', 'Francesca Bianchi', 'Matteo Colombo', 'Silvia Fontana', 'Andrea Moretti',
  'Erik Lundgren', 'Maja Nilsson', 'Kasper Poulsen', 'Freja Andersen', 'Oskar Forsberg',
  'Diego Romero', 'Carmen Vidal', 'Pablo Serrano', 'Mariana Costa', 'Tiago Ferreira',
];

const TECHNICIANS_PER_TEAM = 5;

export const TECHNICIANS: readonly Technician[] = NAMES.map((name, index) => ({
  id: slug(name, '.'),
  name,
  teamId: Math.floor(index / TECHNICIANS_PER_TEAM) + 1,
}));

export function insertTeams(db: DatabaseSync): void {
  const insert = db.prepare(insertInto('teams', 3));
  REGIONS.forEach((region, index) => {
    insert.run(index + 1, `Service ${region.name}`, region.name);
  });
}

export function insertTechnicians(db: DatabaseSync): void {
  const random = new Random('technicians');
  const insert = db.prepare(insertInto('technicians', 6));
  TECHNICIANS.forEach(({ id, name, teamId }, index) => {
    const city = at(at(REGIONS, teamId - 1).cities, index % TECHNICIANS_PER_TEAM);
    const skills = [...SKILLS];
    random.shuffle(skills);
    const mastered = skills.slice(0, random.int(2, 4)).sort().join(', ');
    insert.run(id, name, teamId, `${id}@fieldservice.example`, phoneNumber(random, city), mastered);
  });
}
