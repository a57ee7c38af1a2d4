import { z } from 'zod';

/** What a load program is to send. */
export const orderSchema = z.object({
  url: z.url(),
  /** A file with the key. */
  file: z.string(),
  /** Requests a second. */
  rate: z.union([z.number(), z.literal('unbounded')]),
  connections: z.number(),
  /** Whether the answers are of no interest; then it waits for none. */
  floods: z.boolean(),
  /** Milliseconds that are not measured: connections open, a flood uses up its burst. */
  settleMs: z.number(),
  seconds: z.number(),
  /** Milliseconds for which it waits for the last answers. */
  afterMs: z.number(),
});
export type Order = z.infer<typeof orderSchema>;

/** What a load program saw. Times are milliseconds from when a request was due. */
export const reportSchema = z.object({
  times: z.array(z.number()),
  /** Of the requests before the measured time. */
  early: z.array(z.number()),
  /** Until each request was sent: the lateness of the program itself, which is in the times too. */
  late: z.array(z.number()),
  statuses: z.record(z.string(), z.number()),
  /** Requests due in the measured time, and those of them that were sent in it. */
  asked: z.number(),
  sentInTime: z.number(),
});
export type Report = z.infer<typeof reportSchema>;
