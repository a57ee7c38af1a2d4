/** The scopes that this program's commands need at a service; a person who may not grant all of them grants what they may. */
const ofCommands: Readonly<Record<string, readonly string[]>> = {
  payments: ['payments:create', 'payments:read', 'payments:reconcile'],
  accounts: ['accounts:read'],
  audit: ['audit:read:own', 'audit:read', 'audit:admin'],
  issuer: ['issuer:admin'],
};

/** What a login requests: the person's identity, and the scopes that they name or that the service's commands need. */
export function loginScope(audience: string | undefined, named: readonly string[]): string {
  const scopes = named.length > 0 || audience === undefined ? named : (ofCommands[audience] ?? []);
  return [
    ...new Set(['openid', 'profile', ...scopes.flatMap((part) => part.split(' ')).filter((one) => one !== '')]),
  ].join(' ');
}
