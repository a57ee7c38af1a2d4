import { MemoryRevocationList, revokedOf, type Principal, type RevocationList } from '@countersign/auth-core';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';
import { clientIdSchema } from '../registry/client.js';
import { revocationKinds } from '../registry/revocations.tables.js';
import { revocableIdSchema, revocableSubjectSchema } from '../revocation/revocable-id.js';
import { revocationFor, type RevocationRequest } from '../revocation/revocation.js';
import { sessionIdSchema } from '../sessions/session.js';
import { signerOf, type SigningTime } from './live-token.js';

/** The format of a name of each kind, as in the list of revocations. */
const names = {
  token: revocableIdSchema,
  transaction: revocableIdSchema,
  client: clientIdSchema,
  subject: revocableSubjectSchema,
  'api-key': idSchema,
  key: revocableIdSchema,
  session: sessionIdSchema,
} as const;

/** What would be revoked, or the session of a person that would be ended. */
export const previewQuerySchema = z
  .strictObject({ kind: z.enum([...revocationKinds, 'session']), name: z.string().min(1).max(500) })
  .refine(({ kind, name }) => names[kind].safeParse(name).success, {
    path: ['name'],
    message:
      'must be a name of this kind: a jti, a txn, a client_id, a sub, the id of an API key or of a session, or a kid',
  });
export type PreviewQuery = z.infer<typeof previewQuerySchema>;

/** The same question, with the name as in the list of revocations: ids in lower case. */
export function inCanonicalForm({ kind, name }: PreviewQuery): PreviewQuery {
  return { kind, name: names[kind].parse(name) };
}

/** Tokens that are valid now and would be refused. */
export interface RefusedTokens {
  readonly live: number;
  /** Whether there may be more: too many were issued to count them all. */
  readonly at_least: boolean;
  /** When the last of them expires; null if there are none. */
  readonly last_expires_at: string | null;
  /** The services at which they are used, with the most tokens first. */
  readonly audiences: readonly { readonly audience: string; readonly live: number }[];
}

/** What a revocation would refuse, as far as the issuer knows. Nothing has changed. */
export interface RevocationPreview {
  readonly kind: PreviewQuery['kind'];
  readonly name: string;
  /** Null if the issuer keeps no such records (`OUTBOX_KEEP_HOURS` is 0). */
  readonly tokens: RefusedTokens | null;
  /** Live delegations from people to applications. */
  readonly delegations: number;
  /** Sessions of the person that are live. */
  readonly sessions: number;
  /** API keys that can be exchanged for tokens. */
  readonly api_keys: number;
}

/** What ends with something else. */
export interface TakenAlong {
  /** For a session: the live delegations allowed in it. */
  readonly delegations?: readonly string[];
  /** For a policy's client: the clients that describe themselves under it. */
  readonly clients?: readonly string[];
}

/** The entries that would be added to the list. */
export function requestsOf(
  { kind, name }: PreviewQuery,
  { delegations = [], clients = [] }: TakenAlong = {},
): readonly RevocationRequest[] {
  if (kind === 'session') return delegations.map((txn) => ({ kind: 'transaction', txn }));
  return [revokedOf(kind, name), ...clients.map((clientId) => ({ kind: 'client', clientId }) as const)];
}

/** The state that a preview is based on. */
export interface PreviewGround {
  /** Seconds since 1970. */
  readonly now: number;
  readonly keys: readonly SigningTime[];
  /** What is refused already. */
  readonly revoked: RevocationList;
}

/** The tokens that validators accept now and would refuse with more entries, decided by their own list. */
export function refusedBy(
  requests: readonly RevocationRequest[],
  tokens: readonly Principal[],
  { now, keys, revoked }: PreviewGround,
): readonly Principal[] {
  if (requests.length === 0) return [];
  const list = new MemoryRevocationList(requests.length);
  // Everything issued, including shortly after an earlier revocation, when tokens carry a time in the near future.
  for (const request of requests) list.add(revocationFor(request, { now, issuedUntil: Infinity }));
  return tokens.filter((token) => {
    const signer = signerOf(token, keys);
    return token.expiresAt > now && list.isRevoked(token, signer) && !revoked.isRevoked(token, signer);
  });
}

/** @param complete whether all tokens were examined */
export function refusedTokensOf(refused: readonly Principal[], complete: boolean): RefusedTokens {
  const counts = new Map<string, number>();
  for (const { audience } of refused) counts.set(audience, (counts.get(audience) ?? 0) + 1);
  const last = Math.max(...refused.map(({ expiresAt }) => expiresAt));
  return {
    live: refused.length,
    at_least: !complete,
    last_expires_at: refused.length === 0 ? null : new Date(last * 1_000).toISOString(),
    audiences: [...counts]
      .map(([audience, live]) => ({ audience, live }))
      .sort((one, other) => other.live - one.live || one.audience.localeCompare(other.audience, 'en')),
  };
}
