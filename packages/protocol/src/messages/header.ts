import { fields, text, whole, type TypeOf } from '../shape.ts';

/** First frame of every answer. */
export const headerFrame = fields({
  header: fields({
    v: whole,
    /** Data of different epochs never mix. */
    epoch: text,
    /** Whose share this is: the person's id. */
    user: text,
    /** The checkpoint this answer was read at. */
    checkpoint: whole,
    /** The server's clock, milliseconds since 1970. */
    nowMs: whole,
  }),
});
export type HeaderFrame = TypeOf<typeof headerFrame>;
