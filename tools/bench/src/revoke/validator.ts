// A child process of the revoke benchmark: a validator with its own feed, verifying tokens all the time, that says when one is refused.
import { createVerifier, TokenError, type TokenVerifier } from '@countersign/auth-core';
import { startRevocationFeed } from '@countersign/revocation-feed';
import { connect } from '@nats-io/transport-node';
import { z } from 'zod';
import { type ValidatorMessage } from './validator-message.js';

const settingsSchema = z.object({
  issuer: z.string(),
  nats: z.string(),
  user: z.string(),
  password: z.string(),
  /** Verifications a millisecond, beside the watched token. */
  load: z.number(),
});
const orderSchema = z.object({ watch: z.string() });

const tell = (message: ValidatorMessage): void => void process.send?.(message);

function isRefused(verifier: TokenVerifier, token: string): boolean {
  try {
    verifier.verify(token);
    return false;
  } catch (error) {
    if (error instanceof TokenError && error.code === 'TOKEN_REVOKED') return true;
    throw error;
  }
}

async function run(): Promise<void> {
  const { issuer, nats, user, password, load } = settingsSchema.parse(
    JSON.parse(process.env['REVOKE_VALIDATOR'] ?? ''),
  );
  const feed = startRevocationFeed({
    issuer,
    connect: () => connect({ servers: nats, user, pass: password, inboxPrefix: `_INBOX_${user}` }),
  });
  await feed.loaded;
  const verifier = await createVerifier({ issuer, audience: 'payments', revocations: feed });
  let watched: string | undefined;
  let busyWith: string | undefined;
  process.on('message', (message) => {
    const { watch } = orderSchema.parse(message);
    if (isRefused(verifier, watch)) tell({ failed: 'the token was refused before it was revoked' });
    busyWith ??= watch;
    watched = watch;
    tell({ watching: true });
  });
  setInterval(() => {
    if (watched !== undefined && isRefused(verifier, watched)) {
      tell({ refusedAt: String(process.hrtime.bigint()) });
      if (busyWith === watched) busyWith = undefined;
      watched = undefined;
    }
    const token = busyWith ?? watched;
    for (let count = 0; token !== undefined && count < load; count += 1) {
      if (isRefused(verifier, token)) {
        busyWith = undefined;
        break;
      }
    }
  }, 1);
  tell({ ready: true });
}

await run();
