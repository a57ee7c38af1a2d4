import { Counter, type Registry } from 'prom-client';

/**
 * The work of authenticating clients in this process, each kind counted where it is done. Every failure must cost the same, whatever the
 * reason, so that response times do not reveal which clients and keys exist; a spec compares the counts.
 */
export const authenticationWork = {
  /** Signatures of assertions that were checked. */
  signature: 0,
  /** Keyed digests of secrets. */
  digest: 0,
  /** Slow hashes of imported secrets, in units of the most expensive one accepted. */
  scrypt: 0,
};

/** Exposes the counts at `/metrics`. */
export function measureAuthenticationWork(registry: Registry): void {
  const shown = { signature: 0, digest: 0, scrypt: 0 };
  new Counter({
    name: 'issuer_authentication_work_total',
    help: 'Signatures checked, and digests and slow hashes computed, to authenticate clients.',
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
