/** What the commands of this program need of a service; who may not give all of it gives what they may. */
const ofCommands: Readonly<Record<string, readonly string[]>> = {
  payments: ['payments:create', 'payments:read', 'payments:reconcile'],
  accounts: ['accounts:read'],
  audit: ['audit:read:own', 'audit:read', 'audit:admin'],
  issuer: ['issuer:admin'],
};

/** What a login asks for: who the person is, and what they name or what the commands of the service need. */
export function loginScope(audience: string | undefined, named: readonly string[]): string {
  const scopes = named.length > 0 || audience === undefined ? named : (ofCommands[audience] ?? []);
  return [
    ...new Set(['openid', 'profile', ...scopes.flatMap((part) => part.split(' ')).filter((one) => one !== '')]),
  ].join(' ');
}
