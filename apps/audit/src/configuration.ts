import { resourceServerVariables } from '@countersign/service-host';
import { z } from 'zod';
import { parseMaskedPaths } from './masking/masking.js';
import { logKeyVariable, logOriginVariable } from './log/log-signer.js';

/** Everything that the audit service reads from its environment. */
export const variables = {
  ...resourceServerVariables,
  /** Copies that the streams keep: 1 on one NATS server, 3 in a cluster. */
  STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /** Mebibytes that the stream may hold of what audit has not committed: the budget for an outage. Not set: the stream keeps what it has, 1024 when it is made. */
  STREAM_MAX_MIB: z.coerce.number().int().min(1).max(1_048_576).optional(),
  /** Hours for which it holds it; after that only the outboxes do. Not set: the stream keeps what it has, 168 when it is made. */
  STREAM_MAX_AGE_HOURS: z.coerce.number().int().min(1).max(87_600).optional(),
  /** The Ed25519 private key that signs the log's checkpoints, as JWK; its loss ends the log, so keep a copy. No default. */
  LOG_KEY: logKeyVariable,
  /** The key before it, while it is handed over: both sign. None by default. */
  LOG_KEY_PREVIOUS: logKeyVariable.optional(),
  /** The log's name in its checkpoints: where it is served, without the scheme. It never changes. No default. */
  LOG_ORIGIN: logOriginVariable,
  /** Milliseconds between two integrations: so long may an event wait for its checkpoint. */
  LOG_INTERVAL_MS: z.coerce.number().int().min(20).max(60_000).default(500),
  /** Hours for which every checkpoint is kept; of older ones one an hour. */
  LOG_CHECKPOINTS_FULL_HOURS: z.coerce.number().int().min(1).max(876_000).default(24),
  /** Days for which one checkpoint an hour is kept; of older ones one a day. */
  LOG_CHECKPOINTS_HOURLY_DAYS: z.coerce.number().int().min(1).max(36_500).default(30),
  /** Days after which whole segments of events leave the database for files. Not set: they stay for ever. */
  RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  /** The folder of these files, on storage that all replicas share. Not set: nothing leaves the database. */
  RETENTION_DIRECTORY: z.string().min(1).optional(),
  /** Days after which the content of a dead letter is erased; that there was one, and why, stays. */
  DEAD_LETTER_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  /** Personal data, below an event's `data`: `request.peer,changes.email`. The log holds commitments to them, the values are apart. None by default. */
  MASKED_FIELDS: z
    .string()
    .default('')
    .transform((text, context) => {
      const paths = parseMaskedPaths(text);
      if (paths === undefined)
        context.addIssue('must be a comma-separated list of request.peer and fields below changes');
      return paths ?? z.NEVER;
    }),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
