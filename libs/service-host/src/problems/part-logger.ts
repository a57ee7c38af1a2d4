import { Logger as NestLogger } from '@nestjs/common';

/** What a part of the host logs by: pino is one. */
export interface PartLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Through Nest's own logger, for an application that names no other. */
export function loggerOfNest(context: string): PartLogger {
  const nest = new NestLogger(context);
  const write =
    (level: 'debug' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      const error: unknown = Reflect.get(fields, 'err');
      const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'err'));
      nest[level](`${message} ${JSON.stringify(rest)}`, ...(error instanceof Error ? [error.stack] : []));
    };
  return { debug: write('debug'), warn: write('warn'), error: write('error') };
}
