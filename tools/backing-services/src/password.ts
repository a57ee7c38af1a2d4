import { randomBytes } from 'node:crypto';
import { perService, type NatsPasswords } from './nats-configuration.js';

export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

export function newNatsPasswords(): NatsPasswords {
  return perService(() => newPassword());
}
