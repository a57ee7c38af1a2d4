import { DeviceAuthorizationController } from './device-authorization.controller.js';
import { DeviceAuthorization } from './device-authorization.service.js';
import { DeviceController } from './device.controller.js';
import { Devices } from './devices.service.js';
import { DevicesStore } from './devices.store.js';

/** The device grant, for the issuer's module. */
export const deviceControllers = [DeviceAuthorizationController, DeviceController];
export const deviceProviders = [DevicesStore, DeviceAuthorization, Devices];
