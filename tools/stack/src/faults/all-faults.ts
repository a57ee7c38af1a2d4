import { badTokensFlood } from './bad-tokens-flood.js';
import { clientKeyRotated } from './client-key-rotated.js';
import { type Fault } from './fault.js';
import { hostileNeighbour } from './hostile-neighbour.js';
import { issuerDown } from './issuer-down.js';
import { natsStopped } from './nats-stopped.js';
import { postgresRestarted } from './postgres-restarted.js';
import { serviceKilled } from './service-killed.js';
import { signingKeyRotated } from './signing-key-rotated.js';
import { streamFull } from './stream-full.js';
import { streamWiped } from './stream-wiped.js';
import { unknownKeysFlood } from './unknown-keys-flood.js';

/** Every fault that the stack has to survive, by name. A new one is a file here and a line in this list. */
export const faults: readonly Fault[] = [
  serviceKilled('payments'),
  serviceKilled('accounts'),
  serviceKilled('issuer'),
  serviceKilled('audit'),
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
];
