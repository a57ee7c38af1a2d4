import { type AccessToken } from '@countersign/auth-core';

type Mint = (options: {
  subject: string;
  scopes: readonly string[];
  claims: Readonly<Record<string, unknown>>;
}) => Promise<string>;

/** The token that a test issuer returns for an API key of `shop`. @param key its claim `api_key` */
export async function exchangedKey(mint: Mint, key: unknown): Promise<AccessToken> {
  const scopes = ['catalogue:read'];
  const token = await mint({ subject: 'shop', scopes, claims: { kind: 'application', api_key: key } });
  return { token, expiresAt: Math.floor(Date.now() / 1_000) + 300, scopes, tokenType: 'Bearer' };
}
