/** Drizzle's error repeats a statement's parameters at the end of its message; they may be anybody's data. PostgreSQL's `detail` repeats rows. */
const PARAMETERS = '\nparams: ';

function withoutParameters(message: string): string {
  const from = message.startsWith('Failed query: ') ? message.indexOf(PARAMETERS) : -1;
  return from === -1 ? message : message.slice(0, from);
}

const KEPT_OF_ERRORS = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const;

/** An error for the log, followed by its causes: what failed and where, never the values involved. */
export function errorForLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const kept = KEPT_OF_ERRORS.flatMap((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const message = withoutParameters(error.message);
  return {
    type: error.name,
    message,
    stack: error.stack?.replace(error.message, () => message),
    ...Object.fromEntries(kept),
    ...(error instanceof AggregateError && depth <= 4
      ? { errors: error.errors.map((one: unknown) => errorForLog(one, depth + 1)) }
      : {}),
    ...(error.cause === undefined || depth > 4 ? {} : { cause: errorForLog(error.cause, depth + 1) }),
  };
}
