import { type Provider } from '@nestjs/common';
import { type TargetRule } from '@countersign/service-host/outgoing';
import { createLogoutSender, LOGOUT_SENDER } from './logout-sender.js';
import { LogoutNotices } from './logout-notices.service.js';
import { LogoutNoticesStore } from './logout-notices.store.js';

/** Notices to applications. @param rule where they may be sent */
export function logoutNoticeProviders(rule: TargetRule): readonly Provider[] {
  return [{ provide: LOGOUT_SENDER, useFactory: () => createLogoutSender(rule) }, LogoutNoticesStore, LogoutNotices];
}
