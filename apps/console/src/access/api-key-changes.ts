import { type PlannedChange, wordOf } from './planned-change.js';

const part = encodeURIComponent;

export const apiKeyChange = {
  rotate: (id: string, name: string): PlannedChange => ({
    title: `Rotate the key “${name}”`,
    effect: 'A replacement with the same name and rights is created and shown once. This key keeps working for a day.',
    path: `admin/api-keys/${part(id)}/rotate`,
    body: {},
    button: 'Rotate',
  }),
  disable: (id: string, name: string): PlannedChange => ({
    title: `Disable the key “${name}”`,
    effect: 'The key, and the tokens it was exchanged for, are refused until it is enabled again.',
    path: `admin/api-keys/${part(id)}/disable`,
    body: {},
    takesReason: true,
    word: wordOf(name, id),
    refuses: { kind: 'api-key', name: id },
    button: 'Disable',
  }),
  enable: (id: string, name: string): PlannedChange => ({
    title: `Enable the key “${name}”`,
    effect: 'The key works again.',
    path: `admin/api-keys/${part(id)}/enable`,
    body: {},
    takesReason: true,
    button: 'Enable',
  }),
  revoke: (id: string, name: string): PlannedChange => ({
    title: `Revoke the key “${name}”`,
    effect: 'Every service refuses the key, permanently. This cannot be undone.',
    path: `admin/api-keys/${part(id)}/revoke`,
    body: {},
    takesReason: true,
    word: wordOf(name, id),
    refuses: { kind: 'api-key', name: id },
    button: 'Revoke',
  }),
};
