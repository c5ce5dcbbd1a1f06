export interface PackCount {
  requests: number;
  /** Requests that went on after bytes which were there. */
  ranges: number;
  /** Bytes given to the network, and those that arrived. */
  sent: number;
  received: number;
}

/** How often each pack was asked for and how many of its bytes were on the way, by name. */
export class PackTraffic {
  readonly counts = new Map<string, PackCount>();

  /** The pack that an address is of, if it is one. */
  static nameOf(url: string): string | undefined {
    return /\/v1\/packs\/([0-9a-f]{64})/.exec(url)?.[1];
  }

  of(name: string): PackCount {
    const found = this.counts.get(name) ?? { requests: 0, ranges: 0, sent: 0, received: 0 };
    this.counts.set(name, found);
    return found;
  }

  add(name: string | undefined, more: Partial<PackCount>): void {
    if (name === undefined) return;
    const count = this.of(name);
    count.requests += more.requests ?? 0;
    count.ranges += more.ranges ?? 0;
    count.sent += more.sent ?? 0;
    count.received += more.received ?? 0;
  }

  get received(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count.received, 0);
  }
}
