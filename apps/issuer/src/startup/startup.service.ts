import { Inject, Injectable } from '@nestjs/common';
import { byItself, DATABASE, LOGGER, unattended, type Database } from '@countersign/service-host';
import { type Logger } from 'pino';
import { DeclaredWords } from '../clients/audience-words.service.js';
import { readClientsFile } from '../clients/clients-file.js';
import { ClientDeclarations } from '../clients/client-declarations.service.js';
import { ClientsStore } from '../registry/clients.store.js';
import { readImportedKey } from '../registry/key-import.js';
import { Replica } from '../registry/replica.service.js';
import { RevocationKeysStore } from '../registry/revocation-keys.store.js';
import { CLIENT_SECRET_KEY, SigningKeysStore } from '../registry/signing-keys.store.js';
import { RevocationsStore } from '../revocation/revocations.store.js';
import { KeyRotation } from '../signing-keys/key-rotation.service.js';
import { RevocationKeyRotation } from '../signing-keys/revocation-key-rotation.service.js';

/** What a replica does before it listens: the issuer's own secrets and keys exist, the declared clients hold, and it has them in memory. */
@Injectable()
export class Startup {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly registry: ClientsStore,
    @Inject(SigningKeysStore) private readonly keys: SigningKeysStore,
    @Inject(KeyRotation) private readonly rotation: KeyRotation,
    @Inject(RevocationKeysStore) private readonly revocationKeys: RevocationKeysStore,
    @Inject(RevocationKeyRotation) private readonly revocationKeyRotation: RevocationKeyRotation,
    @Inject(ClientDeclarations) private readonly clients: ClientDeclarations,
    @Inject(DeclaredWords) private readonly words: DeclaredWords,
    @Inject(RevocationsStore) private readonly revocations: RevocationsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @param clientsFile the declared clients, if there is such a file
   * @param keyFile the first signing key, if it is to come from a file
   */
  async run(clientsFile: string | undefined, keyFile: string | undefined): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.registry.raiseVersion(transaction);
      const resealed = (await this.keys.reseal(transaction)) + (await this.revocationKeys.reseal(transaction));
      if (resealed > 0)
        this.logger.info({ resealed }, 'secrets were re-encrypted under the current key-encryption key');
      await this.keys.makeSecret(transaction, CLIENT_SECRET_KEY);
      if (keyFile !== undefined) await this.rotation.import(transaction, readImportedKey(keyFile));
      await this.rotation.settle(transaction);
      await this.revocationKeyRotation.settle(transaction);
    });
    if (clientsFile !== undefined) {
      const { clients, audiences } = await readClientsFile(clientsFile);
      await this.words.apply(audiences, false, byItself(unattended()));
      const { changes } = await this.clients.apply(clients, false);
      for (const { client_id: id, kind } of changes)
        this.logger.info({ client_id: id, kind }, 'declared client applied');
    }
    await this.revocations.numberNew();
    await this.replica.refresh();
  }
}
