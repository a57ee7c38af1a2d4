import { setTimeout as delay } from 'node:timers/promises';
import { type PrivateJwk, DEVICE_CODE } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { parametersOf, type LoginRequest } from './code-flow.js';
import { post, tokensFor, type IssuerAddress, type Tokens } from '../person/issuer-calls.js';

const begunSchema = z.looseObject({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  expires_in: z.number().positive(),
  interval: z.number().positive().default(5),
});
export type BegunDevice = z.infer<typeof begunSchema>;

/**
 * Logs in a person whose browser is elsewhere (RFC 8628).
 * @param show shows the person the code and where to enter it
 * @param wait waits the given milliseconds
 * @throws {CliError}
 */
export async function byDevice(
  address: IssuerAddress,
  request: LoginRequest,
  key: PrivateJwk,
  show: (begun: BegunDevice) => void,
  wait: (ms: number) => Promise<void> = (ms) => delay(ms),
): Promise<Tokens> {
  const begun = await post(address, '/oauth2/device_authorization', parametersOf(request), begunSchema);
  show(begun);
  const { device_code, expires_in: seconds } = begun;
  let { interval } = begun;
  for (let waited = 0; waited < seconds; waited += interval) {
    await wait(interval * 1_000);
    try {
      return await tokensFor(address, { grant_type: DEVICE_CODE, device_code, client_id: request.clientId }, key);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (error.code === 'slow_down') interval += 5;
      // RFC 8628, section 3.5: after a timeout, poll less often.
      else if (error.exitCode === ExitCode.unreachable) interval *= 2;
      else if (error.code !== 'authorization_pending') throw error;
    }
  }
  throw new CliError(ExitCode.refused, 'expired_token', 'nobody entered the code in time', 'Log in again.');
}
