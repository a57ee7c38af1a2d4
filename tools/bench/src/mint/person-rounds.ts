import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { issuedSchema, REDIRECT, type IssuerCodes, type OwnCode } from './codes.js';
import { type LoadOrder } from './load-order.js';
import { runLoad } from './run-load.js';

const REQUESTS = 3_000;

async function peerCodes(peer: ChildProcess, clientId: string): Promise<readonly OwnCode[]> {
  const answered = once(peer, 'message', { signal: AbortSignal.timeout(60_000) });
  peer.send({ codes: REQUESTS, clientId });
  const [message]: unknown[] = await answered;
  return issuedSchema.parse(message).issued;
}

/** What the rounds of a grant ask: each makes first what is used in it, which is not measured. */
export interface GrantOrders {
  ours(): Promise<LoadOrder>;
  peer(): Promise<LoadOrder>;
}

export interface PersonContest {
  readonly codes: IssuerCodes;
  readonly peer: ChildProcess;
  /** Which client asks, and how it shows that. */
  readonly ourOrder: LoadOrder & { readonly clientId: string };
  readonly peerOrder: LoadOrder & { readonly clientId: string };
}

/**
 * Rounds in which codes are redeemed (PKCE), each for a token and a refresh token, and rounds in which such refresh tokens are used, each once:
 * the issuer and oidc-provider, each asked to make 3,000 of what is used before it is measured.
 */
export function personRounds(
  load: ChildProcess,
  { codes, peer, ourOrder, peerOrder }: PersonContest,
): Readonly<Record<'authorization_code' | 'refresh_token', GrantOrders>> {
  const redeem = (
    order: LoadOrder,
    issued: readonly OwnCode[],
    form: Readonly<Record<string, string>> = {},
  ): LoadOrder => ({
    ...order,
    form: { grant_type: 'authorization_code', redirect_uri: REDIRECT, ...form },
    each: issued.map(({ code, verifier }) => ({ code, code_verifier: verifier })),
    requests: issued.length,
  });
  const refresh = async (code: LoadOrder, form: Readonly<Record<string, string>> = {}): Promise<LoadOrder> => {
    const { refreshTokens: tokens } = await runLoad(load, { ...code, keepsAnswers: true });
    if (tokens.length !== REQUESTS)
      throw new Error(`${String(tokens.length)} refresh tokens came with ${String(REQUESTS)} codes`);
    const each = tokens.map((token) => ({ refresh_token: token }));
    return { ...code, form: { grant_type: 'refresh_token', ...form }, each };
  };
  const ourCode = async () => redeem(ourOrder, await codes.issue(REQUESTS, ourOrder.clientId));
  const resource = { resource: 'urn:payments' };
  const peerCode = async () => redeem(peerOrder, await peerCodes(peer, peerOrder.clientId), resource);
  return {
    authorization_code: { ours: ourCode, peer: peerCode },
    refresh_token: {
      ours: async () => refresh(await ourCode()),
      peer: async () => refresh(await peerCode(), resource),
    },
  };
}
