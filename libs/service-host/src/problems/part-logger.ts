import { Logger as NestLogger } from '@nestjs/common';
import { databaseReasonOf } from './database-fault.js';
import { errorForLog } from './error-for-log.js';

/** The logger of a part of the host: pino fits. */
export interface PartLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Without the values of a failed statement. */
function stackOf(error: Error): string {
  const shown = errorForLog(error);
  return typeof shown === 'object' && shown !== null && 'stack' in shown ? String(shown.stack) : '';
}

/** Nest's own logger, for an application that names no other. */
export function loggerOfNest(context: string): PartLogger {
  const nest = new NestLogger(context);
  const write =
    (level: 'debug' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      const { err: error, ...rest }: { readonly err?: unknown } = fields;
      const why = error instanceof Error ? { ...rest, reason: databaseReasonOf(error).reason } : rest;
      nest[level](`${message} ${JSON.stringify(why)}`, ...(error instanceof Error ? [stackOf(error)] : []));
    };
  return { debug: write('debug'), warn: write('warn'), error: write('error') };
}
