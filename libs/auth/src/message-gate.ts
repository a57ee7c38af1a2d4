import { type CanActivate, type ExecutionContext } from '@nestjs/common';
import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { messageHandlersOf } from './route-report.service.js';

/** Nest's own metadata of `@UseGuards()`. */
const GUARDS = '__guards__';

/** Contexts that a global guard has checked, by the object that the transport created for them. */
const judged = new WeakSet<object>();

function keyOf(context: ExecutionContext): object | undefined {
  const arguments_: unknown[] = context.getArgs();
  const key = context.getType() === 'rpc' ? arguments_[1] : arguments_[0];
  return typeof key === 'object' && key !== null ? key : undefined;
}

export function markJudged(context: ExecutionContext): void {
  const key = keyOf(context);
  if (key !== undefined) judged.add(key);
}

/**
 * A microservice connected to an application has global guards only with `inheritAppConfig: true`; without it Nest would leave its message handlers
 * open. This second guard, on each of them, accepts only what the global one has checked.
 */
class MessageGate implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'rpc') return true;
    const key = keyOf(context);
    if (key !== undefined && judged.has(key)) return true;
    throw new Error(
      'the guard is not global in this microservice: connectMicroservice(options, { inheritAppConfig: true })',
    );
  }
}

const gate = new MessageGate();

/** Adds the gate to every message handler of the application; call it before microservices are connected. */
export function closeMessageHandlers(discovery: DiscoveryService, scanner: MetadataScanner): void {
  for (const { handler, route } of messageHandlersOf(discovery, scanner)) {
    if (route.kind !== 'message' && route.kind !== 'event') continue;
    const guards: unknown = Reflect.getMetadata(GUARDS, handler);
    const before: readonly unknown[] = Array.isArray(guards) ? guards : [];
    if (!before.includes(gate)) Reflect.defineMetadata(GUARDS, [...before, gate], handler);
  }
}
