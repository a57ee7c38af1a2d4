import { clientKeyVariable, resourceServerVariables } from '@countersign/service-host';
import { z } from 'zod';
import { parseMaskedPaths } from './masking/masking.js';
import { lackingOf, type ConsoleClient } from './console/console-options.js';
import { originVariable, parseScopes, secretKeyVariable } from './console/console-variables.js';
import { logKeyVariable, logOriginVariable } from './log/log-signer.js';

/** Everything that the audit service reads from its environment. */
export const variables = {
  ...resourceServerVariables,
  /** Replicas of each stream: 1 on a single NATS server, 3 in a cluster. */
  STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /**
   * Maximum size of the stream in MiB, for events that audit has not committed yet: the budget for an outage. If not set, an existing stream keeps its
   * value, and a new one gets 1024.
   */
  STREAM_MAX_MIB: z.coerce.number().int().min(1).max(1_048_576).optional(),
  /**
   * Hours for which the stream keeps such an event; after that only the outboxes have it. If not set, an existing stream keeps its value, and a new one
   * gets 168.
   */
  STREAM_MAX_AGE_HOURS: z.coerce.number().int().min(1).max(87_600).optional(),
  /** The Ed25519 private key that signs the log's checkpoints, as JWK; without it the log cannot continue, so keep a copy. */
  LOG_KEY: logKeyVariable,
  /** The previous key, during a key rotation: both keys sign. */
  LOG_KEY_PREVIOUS: logKeyVariable.optional(),
  /** The log's name in its checkpoints: the address where it is served, without the scheme. It must never change. */
  LOG_ORIGIN: logOriginVariable,
  /** Milliseconds between two integrations: the longest time that an event waits for its checkpoint. */
  LOG_INTERVAL_MS: z.coerce.number().int().min(20).max(60_000).default(500),
  /** Hours for which every checkpoint is kept; after that, one per hour. */
  LOG_CHECKPOINTS_FULL_HOURS: z.coerce.number().int().min(1).max(876_000).default(24),
  /** Days for which one checkpoint per hour is kept; after that, one per day. */
  LOG_CHECKPOINTS_HOURLY_DAYS: z.coerce.number().int().min(1).max(36_500).default(30),
  /** Days after which whole segments of events are moved from the database to RETENTION_DIRECTORY. If not set, they stay in the database. */
  RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  /** The folder for these files, on storage that all replicas share; required with RETENTION_DAYS. */
  RETENTION_DIRECTORY: z.string().min(1).optional(),
  /** Days after which the content of a dead letter is erased; its record and its reason stay. */
  DEAD_LETTER_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  /**
   * Fields with personal data, below an event's `data`, such as `request.peer,changes.email`. The log holds commitments to them, and the values are stored elsewhere. None
   * by default.
   */
  MASKED_FIELDS: z
    .string()
    .default('')
    .transform((text, context) => {
      const paths = parseMaskedPaths(text);
      if (paths === undefined)
        context.addIssue('must be a comma-separated list of request.peer and fields below changes');
      return paths ?? z.NEVER;
    }),
  /** The issuer's client with which the console signs people in. If not set, there is no console, and the variables below have no effect. */
  CONSOLE_CLIENT_ID: z.string().min(1).max(256).optional(),
  /** The console's URL for browsers: this service's origin, https except on a developer's machine. */
  CONSOLE_URL: originVariable.optional(),
  /** The private key of that client, as JWK with `kid` and `alg`; usually set through CONSOLE_CLIENT_KEY_FILE. */
  CONSOLE_CLIENT_KEY: clientKeyVariable.optional(),
  /**
   * 32 bytes in base64url, the same at all replicas. The keys that encrypt the sessions' tokens are derived from it. A new value signs everybody out.
   */
  CONSOLE_SESSION_KEY: secretKeyVariable.optional(),
  /**
   * What the console requests for people: scopes of this service, separated by spaces; the issuer leaves out scopes that a person's roles do not
   * include.
   */
  CONSOLE_SCOPES: z
    .string()
    .default('audit:read audit:read:own audit:reveal audit:admin')
    .transform((text, context) => {
      const scopes = parseScopes(text);
      if (scopes === undefined) context.addIssue('must be scopes separated by single spaces');
      return scopes ?? z.NEVER;
    }),
  /** Minutes without use after which a session ends. */
  CONSOLE_IDLE_MINUTES: z.coerce.number().int().min(1).max(1_440).default(30),
  /** Hours after which a session ends in any case. */
  CONSOLE_SESSION_HOURS: z.coerce.number().int().min(1).max(168).default(8),
  /** The folder of the built console; by default the one next to this service. */
  CONSOLE_DIRECTORY: z.string().min(1).optional(),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;

/** Contradictions between valid values. */
export function contradictionsOf(
  values: Partial<Pick<Configuration, 'RETENTION_DAYS' | 'RETENTION_DIRECTORY'>> & ConsoleClient,
): readonly string[] {
  const isKept = values.RETENTION_DAYS === undefined || values.RETENTION_DIRECTORY !== undefined;
  return [
    ...(isKept ? [] : ['RETENTION_DIRECTORY must be set if RETENTION_DAYS is; without it no events are moved']),
    ...lackingOf(values),
  ];
}
