import { type Principal } from '@countersign/auth-core';
import { z } from 'zod';

/** The content of `token.issued` about a token. */
const issuedSchema = z.object({
  time: z.iso.datetime(),
  data: z.object({
    principal: z.object({
      subject: z.string(),
      client_id: z.string(),
      actors: z.array(z.string()),
      scopes: z.array(z.string()),
      jti: z.string(),
      api_key: z.object({ id: z.string(), name: z.string() }).optional(),
    }),
    txn: z.string(),
    changes: z.object({ audience: z.string(), expires_at: z.iso.datetime() }),
  }),
});

const seconds = (time: string): number => Date.parse(time) / 1_000;

/**
 * A token as described by the record of its issuance.
 * @param issuer whose record it is
 * @returns undefined if it is not such a record
 */
export function tokenOf(event: unknown, issuer: string): Principal | undefined {
  const parsed = issuedSchema.safeParse(event);
  if (!parsed.success) return undefined;
  const { time, data } = parsed.data;
  const { principal, txn, changes } = data;
  const { subject, client_id: clientId, actors, scopes, jti: tokenId, api_key: apiKey } = principal;
  const isPerson = subject.startsWith('person:');
  return {
    kind: isPerson ? 'person' : 'application',
    ...{ subject, clientId, tokenId, txn, issuer },
    actors: actors.map((actor) => ({ subject: actor })),
    scopes: new Set(scopes),
    audience: changes.audience,
    roles: [],
    amr: [],
    issuedAt: Math.floor(seconds(time)),
    expiresAt: seconds(changes.expires_at),
    ...(apiKey === undefined ? {} : { apiKey: { ...apiKey, networks: [] } }),
  };
}

/** When a key started signing. */
export interface SigningTime {
  readonly kid: string;
  readonly activatedAt: Date | null;
}

/** The key that signed a token: the last one that had started signing by then. Replicas change keys at almost the same time. */
export function signerOf({ issuedAt }: Pick<Principal, 'issuedAt'>, keys: readonly SigningTime[]): string {
  let signer = { kid: '', since: -Infinity };
  for (const { kid, activatedAt } of keys) {
    const since = activatedAt === null ? Infinity : Math.floor(activatedAt.getTime() / 1_000);
    if (since <= issuedAt && since > signer.since) signer = { kid, since };
  }
  return signer.kid;
}
