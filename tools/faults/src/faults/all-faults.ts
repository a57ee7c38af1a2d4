import { badTokensFlood } from './bad-tokens-flood.js';
import { clientKeyRotated } from './client-key-rotated.js';
import { countingKilled } from './counting-killed.js';
import { type Fault } from './fault.js';
import { hostileNeighbour } from './hostile-neighbour.js';
import { issuerDown } from './issuer-down.js';
import { issuerKilledInGrants } from './issuer-killed-in-grants.js';
import { logKeyRotated } from './log-key-rotated.js';
import { natsStopped } from './nats-stopped.js';
import { passwordsRotated } from './passwords-rotated.js';
import { postgresRestarted } from './postgres-restarted.js';
import { restoreAudit } from './restore-audit.js';
import { restoreIssuer } from './restore-issuer.js';
import { restorePayments } from './restore-payments.js';
import { revocationKeyRotated } from './revocation-key-rotated.js';
import { serviceKilled } from './service-killed.js';
import { signingKeyRotated } from './signing-key-rotated.js';
import { streamFull } from './stream-full.js';
import { streamWiped } from './stream-wiped.js';
import { unknownKeysFlood } from './unknown-keys-flood.js';
import { upgrade } from './upgrade.js';

/** Every fault that the stack must survive, by name. A new one needs a file here and a line in this list. */
export const faults: readonly Fault[] = [
  serviceKilled('payments'),
  serviceKilled('accounts'),
  serviceKilled('issuer'),
  serviceKilled('audit'),
  countingKilled,
  issuerKilledInGrants,
  postgresRestarted,
  natsStopped,
  streamWiped,
  signingKeyRotated,
  badTokensFlood,
  unknownKeysFlood,
  issuerDown,
  clientKeyRotated,
  streamFull,
  hostileNeighbour,
  passwordsRotated,
  revocationKeyRotated,
  logKeyRotated,
  restorePayments,
  restoreIssuer,
  restoreAudit,
  upgrade,
];
