import { Counter, type Registry } from 'prom-client';

/**
 * What authenticating clients has cost this process: each kind is counted where it is done. Anyone who fails must cost the same, whatever the
 * reason, so that nobody can learn from the time which clients and keys there are; a spec compares these.
 */
export const authenticationWork = {
  /** Signatures of assertions that were checked. */
  signature: 0,
  /** Keyed digests of secrets. */
  digest: 0,
  /** Slow hashes of secrets from elsewhere, in units of the most expensive one that is accepted. */
  scrypt: 0,
};

/** Shows the work at `/metrics`. */
export function measureAuthenticationWork(registry: Registry): void {
  const shown = { signature: 0, digest: 0, scrypt: 0 };
  new Counter({
    name: 'issuer_authentication_work_total',
    help: 'Signatures checked, digests and slow hashes made to authenticate clients.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const kind of ['signature', 'digest', 'scrypt'] as const) {
        this.inc({ kind }, authenticationWork[kind] - shown[kind]);
        shown[kind] = authenticationWork[kind];
      }
    },
  });
}
