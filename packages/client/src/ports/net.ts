export interface NetRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request at once; the call or the body's reading then rejects. */
  readonly signal: AbortSignal;
}

export interface NetResponse {
  readonly status: number;
  /** A header's value by its lower-case name. */
  header(name: string): string | undefined;
  /** The body as it comes, decompressed where `content-encoding` says so. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes of the body that have come over the wire so far; absent where they are the body's own, uncompressed. */
  readonly wireBytes?: () => number;
}

/** The network. Rejects with `server.unreachable` when no answer comes, or with the signal's reason. */
export interface Net {
  request(request: NetRequest): Promise<NetResponse>;
}
