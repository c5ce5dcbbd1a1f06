import type { CarryonError } from '@carryon/protocol';

/** How the server is, for `/healthz`. */
export interface Health {
  /** Why devices are answered from an old checkpoint; undefined: all is well. */
  trouble: CarryonError | undefined;
}
