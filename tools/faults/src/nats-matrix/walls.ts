import { natsAccount, natsConfiguration, natsServices, type NatsConfiguration } from '@countersign/backing-services';

/** The whole configuration, or one of its two walls by itself, to see what that one holds. */
export const walls = {
  both: (settings: NatsConfiguration): string => natsConfiguration(settings),
  /** Every service may do anything in its account. */
  accounts: (settings: NatsConfiguration): string =>
    natsConfiguration(settings, (service) => {
      const account = natsAccount(service);
      return {
        ...account,
        rights: { publish: ['>'], subscribe: ['>'] },
        ...(account.jetStream === undefined ? {} : { jetStream: { ...account.jetStream, streams: 1_000 } }),
      };
    }),
  /** All services share one account, with the permissions that they have in their own. */
  permissions: ({ host, port, storeDirectory, passwords }: NatsConfiguration): string => {
    const users = natsServices.map((user) => ({
      user,
      password: passwords[user],
      permissions: natsAccount(user).rights,
    }));
    const store_dir = storeDirectory;
    return JSON.stringify({ host, port, jetstream: { store_dir }, accounts: { ALL: { jetstream: 'enabled', users } } });
  },
} as const;
export type Walls = keyof typeof walls;
