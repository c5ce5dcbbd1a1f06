/** One kind of machine: what it is called, what breaks, and what is done about it. */
export interface Equipment {
  readonly category: string;
  readonly noun: string;
  /** Begins its products' SKUs and the tags on the machines: `B-204`. */
  readonly code: string;
  readonly series: readonly string[];
  readonly sizes: readonly number[];
  /** Price of the smallest and of the largest product, in euros. */
  readonly price: readonly [number, number];
  readonly jobs: readonly string[];
  readonly symptoms: readonly string[];
}

export const EQUIPMENT: readonly Equipment[] = [
  { category: 'Boilers', noun: 'boiler', code: 'B', price: [1900, 14500],
    series: ['Calora', 'Fornax', 'Helder', 'Thermion'], sizes: [24, 60, 120, 240, 400],
    jobs: ['Replace gasket', 'Clean burner', 'Replace ignition electrode', 'Adjust gas valve', 'Annual service'],
    symptoms: ['Tenants report lukewarm water since the weekend.', 'The burner locks out twice a day.',
      'Flue gas readings were above the limit at the last visit.', 'There is a smell of gas near the casing.'] },
  { category: 'Heat pumps', noun: 'heat pump', code: 'HP', price: [5200, 28000],
    series: ['Arvo', 'Borea', 'Nivalis', 'Polaria'], sizes: [8, 12, 18, 35, 70],
    jobs: ['Replace fan motor', 'Refill refrigerant', 'Fix defrost sensor', 'Update controller', 'Annual service'],
    symptoms: ['The outdoor unit ices up overnight.', 'Output dropped by a third compared with last winter.',
      'The display shows a low-pressure fault.', 'Neighbours complain about noise after ten in the evening.'] },
  { category: 'Chillers', noun: 'chiller', code: 'CH', price: [8900, 62000],
    series: ['Frigora', 'Glacis', 'Kelvo', 'Tundra'], sizes: [30, 75, 150, 300, 500],
    jobs: ['Replace compressor seal', 'Clean condenser coil', 'Repair leak', 'Replace flow switch', 'Seasonal check'],
    symptoms: ['Chilled water leaves at eleven degrees instead of six.', 'The unit trips on high pressure at noon.',
      'Refrigerant charge fell since the last log entry.', 'The flow alarm comes and goes.'] },
  { category: 'Pumps', noun: 'pump', code: 'P', price: [240, 5400],
    series: ['Aquila', 'Hydron', 'Rillo', 'Vortis'], sizes: [10, 25, 40, 65, 100],
    jobs: ['Replace mechanical seal', 'Align coupling', 'Replace bearing', 'Vibration test', 'Replace impeller'],
    symptoms: ['Water is dripping from the shaft.', 'The bearing runs hot and is getting louder.',
      'Pressure on the upper floors is too low.', 'The standby unit does not take over.'] },
  { category: 'Ventilation', noun: 'air handler', code: 'AH', price: [3100, 41000],
    series: ['Brisa', 'Meridia', 'Respira', 'Zefir'], sizes: [15, 30, 60, 90, 180],
    jobs: ['Change filters', 'Replace drive belt', 'Free damper', 'Balance airflow', 'Hygiene inspection'],
    symptoms: ['Staff report stale air in the meeting rooms.', 'The filter alarm has been on for a week.',
      'A belt squeals at start-up.', 'Supply air is four degrees too cold.'] },
  { category: 'Lifts', noun: 'lift', code: 'L', price: [18000, 74000],
    series: ['Altus', 'Elevo', 'Montara', 'Verta'], sizes: [320, 450, 630, 1000, 1600],
    jobs: ['Adjust door operator', 'Replace guide shoes', 'Test safety gear', 'Replace cabin light', 'Brake test'],
    symptoms: ['The cabin stops two centimetres below the landing.', 'Doors reopen several times on the third floor.',
      'The emergency call does not connect.', 'Passengers report a jolt when starting.'] },
  { category: 'Compressors', noun: 'compressor', code: 'C', price: [2700, 33000],
    series: ['Aeris', 'Densa', 'Pressor', 'Tornado'], sizes: [4, 11, 22, 45, 90],
    jobs: ['Change oil and separator', 'Replace intake valve', 'Repair dryer', 'Replace belt', '4,000-hour service'],
    symptoms: ['Line pressure falls below six bar at shift change.', 'There is oil in the condensate.',
      'The machine runs without ever going idle.', 'It shuts down on high temperature.'] },
  { category: 'Generators', noun: 'generator', code: 'G', price: [6400, 88000],
    series: ['Dynar', 'Lumen', 'Sentra', 'Voltis'], sizes: [20, 50, 110, 250, 500],
    jobs: ['Replace starter battery', 'Load test', 'Change coolant', 'Replace fuel filter', 'Test transfer switch'],
    symptoms: ['The weekly test start failed.', 'Coolant level is low again.',
      'It needs three attempts to start.', 'Voltage swings when the load changes.'] },
  { category: 'Fire safety', noun: 'alarm panel', code: 'FA', price: [850, 9800],
    series: ['Garda', 'Pyra', 'Sonora', 'Vigil'], sizes: [2, 4, 8, 16, 32],
    jobs: ['Replace smoke detectors', 'Trace ground fault', 'Replace backup battery', 'Quarterly test',
      'Update firmware'],
    symptoms: ['A detector on the second loop gives false alarms.', 'The panel shows a ground fault.',
      'The backup battery fails its test.', 'The siren in the warehouse stays silent.'] },
  { category: 'Door systems', noun: 'gate', code: 'D', price: [1200, 16500],
    series: ['Ferrata', 'Limes', 'Portalo', 'Rollin'], sizes: [25, 30, 40, 50, 60],
    jobs: ['Replace spring', 'Align light barrier', 'Replace drive unit', 'Lubricate guides', 'Annual safety check'],
    symptoms: ['The gate stops halfway and reverses.', 'The remote control works only close by.',
      'It was hit by a forklift and hangs crooked.', 'It closes with a bang.'] },
];

export const TRADES: readonly string[] = ('Bakery, Brewery, Hotel, Logistics, Foods, Printworks, Textiles, Dairy, ' +
  'Pharma, Cold Storage, Dental Clinic, Furniture, Garden Centre, Car Centre, Packaging, Metalworks, Plastics, ' +
  'Laboratories, Property, Care Home, Sports Centre, Winery, Electronics, Glassworks, Paper, Optics, Ceramics, ' +
  'Tools, Catering, Nurseries').split(', ');

export const INSTRUCTIONS: readonly string[] = [
  'Call the contact half an hour before arrival.', 'Bring the spare parts kit; the site has none in stock.',
  'Access through the loading yard, ask at the gate for a pass.', 'Work only outside opening hours.',
  'The key is with the caretaker on the ground floor.', 'Take photos before and after for the insurance.',
  'The customer asks for a written estimate first.', 'A safety briefing at reception is required.',
  'Parking is in the courtyard; the ramp is narrow.', 'Log the meter readings in the report.',
];

export const ROOMS: readonly string[] = ['plant room 1', 'plant room 2', 'basement east', 'basement west', 'rooftop',
  'warehouse', 'loading yard', 'building A', 'building B', 'service corridor', 'ground floor', 'annex'];

export const PREPARATIONS: readonly string[] = ['Sign in with the site contact',
  'Isolate and lock out', 'Read fault memory', 'Check parts against the list', 'Secure the work area'];

export const CHECKS: readonly string[] = ['Test under load', 'Measure and log values', 'Check for leaks',
  'Run one full cycle', 'Compare with the last report'];

export const CLOSINGS: readonly string[] = ['Have the report signed', 'Take photos', 'Clean up and remove lockout',
  'Explain the work to the contact', 'Label replaced parts'];

export const NOTES: readonly string[] = [
  'Second person needed for lifting.', 'Torque 45 Nm.', 'Part is in the van, box 3.',
  'Contact prefers mornings.', 'Use the long ladder.', 'Warranty case, keep the old part.',
];

export const SKILLS: readonly string[] = ['heating', 'refrigeration', 'electrical', 'hydraulics', 'ventilation',
  'controls', 'lifts', 'fire safety', 'welding', 'gas'];
