import { resourceServerVariables } from '@countersign/service-host';
import { z } from 'zod';
import { parseMaskedPaths } from './masking/masking.js';
import { clientKeyVariable, originVariable, parseScopes, secretKeyVariable } from './console/console-variables.js';
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
  /** The client of the issuer as which the console signs people in. Not set: there is no console, and the variables below mean nothing. */
  CONSOLE_CLIENT_ID: z.string().min(1).max(256).optional(),
  /** Where browsers find the console: this service's origin as they reach it, https beyond a developer's machine. */
  CONSOLE_URL: originVariable.optional(),
  /** The private key of that client, as JWK with `kid` and `alg`; usually by CONSOLE_CLIENT_KEY_FILE. */
  CONSOLE_CLIENT_KEY: clientKeyVariable.optional(),
  /** 32 bytes in base64url, the same at all replicas, from which the keys are made under which the tokens of sessions rest. A new one signs everybody out. */
  CONSOLE_SESSION_KEY: secretKeyVariable.optional(),
  /** What the console asks people for, scopes of this service separated by spaces; the issuer leaves out what a person's roles do not give. */
  CONSOLE_SCOPES: z
    .string()
    .default('audit:read audit:read:own audit:reveal audit:admin')
    .transform((text, context) => {
      const scopes = parseScopes(text);
      if (scopes === undefined) context.addIssue('must be scopes separated by single spaces');
      return scopes ?? z.NEVER;
    }),
  /** Minutes after which a session ends that nobody used. */
  CONSOLE_IDLE_MINUTES: z.coerce.number().int().min(1).max(1_440).default(30),
  /** Hours after which a session ends in any case. */
  CONSOLE_SESSION_HOURS: z.coerce.number().int().min(1).max(168).default(8),
  /** The folder of the built console; the one beside this service by default. */
  CONSOLE_DIRECTORY: z.string().min(1).optional(),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
