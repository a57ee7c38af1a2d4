import { type KeysReport } from '@countersign/auth-core';
import { type Logger } from 'pino';

/** Milliseconds for which a starting service waits for its issuer without a warning, because both are often started together. */
export const QUIET_START_MS = 5_000;

/**
 * Logs whether the issuer's keys can be fetched. A failure in the first seconds is logged only if it lasts longer.
 * @returns the verifier's `onKeys` listener; create it when the service starts
 */
export function keysLog(logger: Pick<Logger, 'info' | 'warn'>): (report: KeysReport) => void {
  let isQuiet = true;
  let unsaid: string | undefined;
  setTimeout(() => {
    isQuiet = false;
    if (unsaid !== undefined) logger.warn(unsaid);
  }, QUIET_START_MS).unref();
  return ({ ok, message }) => {
    if (isQuiet) unsaid = ok ? undefined : message;
    else logger[ok ? 'info' : 'warn'](message);
  };
}
