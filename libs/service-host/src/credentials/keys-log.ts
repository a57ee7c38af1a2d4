import { type KeysReport } from '@countersign/auth-core';
import { type Logger } from 'pino';

/** Milliseconds for which a service that starts waits for its issuer without a warning: both are often started at the same moment. */
export const QUIET_START_MS = 5_000;

/**
 * Logs whether the issuer's keys can be fetched. A failure of the first seconds is logged only when they are over and it lasts.
 * @returns what the verifier reports to (`onKeys`); to be made when the service starts
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
