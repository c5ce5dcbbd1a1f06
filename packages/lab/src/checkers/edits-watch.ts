import type { LabDevice } from '../actors/device.ts';
import { Ledger } from '../actors/ledger.ts';
import type { LabServer } from '../actors/server.ts';
import { serverFiles } from '../actors/template.ts';
import type { Entry } from '../world/trace.ts';
import { Edits } from './edits.ts';
import { OwnValues } from './own-values.ts';
import { pendingProblems } from './pending.ts';
import { Sight } from './sight.ts';

export type Note = (checker: string, found: readonly string[]) => void;

/** Those who follow edits from the devices' tables to the business's book, where people may edit. */
export class EditsWatch {
  readonly #devices: readonly LabDevice[];
  readonly #server: LabServer;
  readonly #note: Note;
  readonly #sights: readonly Sight[];
  readonly #owns: ReadonlyMap<string, OwnValues>;
  readonly #edits: readonly Edits[];
  #ledger: Ledger;
  #wasRestored = false;

  private constructor(devices: readonly LabDevice[], server: LabServer, note: Note) {
    this.#devices = devices;
    this.#server = server;
    this.#note = note;
    this.#ledger = openLedger(server);
    const [ledger, sightOf] = [(): Ledger => this.#ledger, new Map(devices.map((device) => [device, new Sight(device, server, () => this.#ledger)]))];
    this.#sights = [...sightOf.values()];
    this.#owns = new Map([...sightOf].map(([device, sight]) => [device.name, new OwnValues(device, sight, ledger)]));
    this.#edits = [...sightOf].map(([device, sight]) => new Edits(device, sight, ledger));
  }

  /** Undefined: there is nothing to edit. */
  static of(devices: readonly LabDevice[], server: LabServer, note: Note): EditsWatch | undefined {
    return server.rights.anybodyWrites ? new EditsWatch(devices, server, note) : undefined;
  }

  see(entry: Entry): void {
    if (entry.who === 'server' && entry.what === 'restored') this.#restored();
    for (const sight of this.#sights) sight.see(entry);
    for (const own of this.#owns.values()) own.see(entry);
    for (const edits of this.#edits) edits.see(entry);
    if (entry.what === 'end') this.#note('own-values', this.#owns.get(entry.who)?.look() ?? []);
  }

  look(): void {
    for (const own of this.#owns.values()) this.#note('own-values', own.look());
  }

  /** The world has been healed and everything is done. */
  async end(): Promise<void> {
    this.look();
    for (const edits of this.#edits) this.#note('edits', await edits.end());
    this.#note('pending', pendingProblems(this.#devices, this.#ledger, this.#wasRestored || this.#sights.some(({ mayBeNobody }) => mayBeNobody)));
  }

  close(): void {
    this.#ledger.close();
    for (const one of [...this.#sights, ...this.#owns.values()]) one.close();
  }

  #restored(): void {
    this.#wasRestored = true;
    this.#ledger.close();
    this.#ledger = openLedger(this.#server);
  }
}

const openLedger = ({ folder }: LabServer): Ledger => new Ledger(serverFiles(folder).database);
