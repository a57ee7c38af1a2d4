/** A decision that gives nothing, with the RFC's error and what the client sees of it. */
export const refused = <Code extends string>(error: Code, description: string) =>
  ({ ok: false, error, description }) as const;
