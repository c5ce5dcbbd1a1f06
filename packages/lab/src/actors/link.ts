import type { LabRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { Exchange, unreachable, type ExchangeRequest, type ExchangeSink } from './exchange.ts';
import { PackTraffic } from './pack-traffic.ts';
import type { LabAnswer, LabRequest } from './server.ts';

/**
 * `none`: no connection can be made. `half-open`: connections stay silent for ever. `portal`: a sign-in page answers
 * everything. `slow`: as `up`, with less speed.
 */
export type LinkMode = 'up' | 'none' | 'half-open' | 'portal' | 'slow';

export interface LinkSpeed {
  /** One way. */
  readonly latencyMs: number;
  /** Added to the latency by chance, up to so much. */
  readonly jitterMs: number;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** In mode `slow`, speed is divided by this. */
  readonly slowness: number;
  /** One of so many answers breaks off somewhere, by chance; 0: none. */
  readonly breakOneIn: number;
}

export const USUAL_SPEED: LinkSpeed = { latencyMs: 30, jitterMs: 10, upBytesPerSecond: 500_000, downBytesPerSecond: 2_000_000, slowness: 20, breakOneIn: 0 };

type Direction = 'up' | 'down';

/** Who answers at the other end. */
export interface Peer {
  request(request: LabRequest): Promise<LabAnswer>;
}

/** A device's connection to the world. It outlives processes; whoever sends through it shares its speed. */
export class LabLink {
  readonly world: World;
  readonly name: string;
  readonly peer: Peer;
  readonly random: LabRandom;
  /** What came of each pack, by whoever asked for it. */
  readonly packs = new PackTraffic();
  /** Bytes of bodies that went up and came down. */
  readonly bytes = { up: 0, down: 0 };
  requests = 0;
  #speed: LinkSpeed;
  #mode: LinkMode = 'up';
  readonly #open = new Set<Exchange>();
  /** When each direction has sent all that was given to it; exact, so that rounding does not make it slower. */
  readonly #freeMs = { up: 0, down: 0 };

  constructor(world: World, name: string, peer: Peer, speed: Partial<LinkSpeed> = {}) {
    this.world = world;
    this.name = name;
    this.peer = peer;
    this.random = world.random.fork(`link ${name}`);
    this.#speed = { ...USUAL_SPEED, ...speed };
  }

  get mode(): LinkMode {
    return this.#mode;
  }

  get speed(): LinkSpeed {
    return this.#speed;
  }

  /** Exchanges that have not ended. */
  get open(): number {
    return this.#open.size;
  }

  setSpeed(speed: Partial<LinkSpeed>): void {
    this.#speed = { ...this.#speed, ...speed };
    this.world.trace.add(this.name, 'link-speed', { ...this.#speed });
  }

  /** Between `up` and `slow` connections last; any other change ends them: in silence for `half-open`. */
  setMode(mode: LinkMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.world.trace.add(this.name, 'link', mode);
    for (const exchange of [...this.#open]) {
      if (mode === 'half-open') exchange.hush();
      else if (mode === 'none' || mode === 'portal') exchange.breakOff(unreachable('the network changed'));
    }
  }

  /** Sends a request and tells the sink what comes. */
  send(request: ExchangeRequest, sink: ExchangeSink): Exchange {
    const exchange = new Exchange(this, ++this.requests, request, {
      ...sink,
      end: (error) => {
        this.#open.delete(exchange);
        sink.end(error);
      },
    }, () => this.#open.delete(exchange));
    this.#open.add(exchange);
    exchange.start();
    return exchange;
  }

  /** How long from now until so many bytes are through; they wait for those given before. */
  reserve(direction: Direction, bytes: number): number {
    const nowMs = this.world.queue.steadyMs;
    const perSecond = direction === 'up' ? this.#speed.upBytesPerSecond : this.#speed.downBytesPerSecond;
    const slowness = this.#mode === 'slow' ? this.#speed.slowness : 1;
    this.#freeMs[direction] = Math.max(nowMs, this.#freeMs[direction]) + (bytes * 1000 * slowness) / perSecond;
    return this.#freeMs[direction] - nowMs;
  }

  latencyMs(): number {
    return this.#speed.latencyMs + this.random.below(Math.floor(this.#speed.jitterMs) + 1);
  }
}
