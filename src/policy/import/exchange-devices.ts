/** Phones that Exchange lists: what is contradictory about what it knows of them, and what the proposal would say. */
import { judgeUserAgent } from '../../devices/activesync-claim.ts'
import type { Catalogue } from '../../devices/catalogue.ts'
import { parseDeviceModel, parseDeviceOs, parseUserAgent } from '../../formats/activesync/user-agent.ts'
import type { MobileDevice } from '../../formats/exchange/inventory.ts'
import type { Verdict } from '../rules.ts'

export type DeviceContradiction = 'stale-system' | 'model-disagrees' | 'impossible-pair' | 'unknown-build' | 'unknown-model'

/** All of it is claimed: the verdict is that for a phone of which it is proven. */
export type ListedDevice = {
  readonly deviceId: string, readonly user: string | null
  readonly productType: string | null, readonly build: string | null
  readonly accessState: string | null
  /** Null where Exchange does not know a model: the proposal then lets nobody in. */
  readonly proposed: Verdict | null
  readonly contradictions: readonly DeviceContradiction[]
}

/** @param verdict  the proposal's @returns undefined for what is no Apple device */
export function listDevice(catalogue: Catalogue, device: MobileDevice, verdict: (productType: string, build: string | undefined) => Verdict): ListedDevice | undefined {
  const { deviceId, user, deviceType, deviceModel, deviceOs, userAgent, accessState } = device
  const [claim, os] = [parseUserAgent(userAgent ?? ''), parseDeviceOs(deviceOs ?? '')]
  const named = parseDeviceModel(deviceModel ?? '')
  if (claim === undefined && named === undefined && !/^(iPhone|iPad|iPod)$/i.test(deviceType ?? '')) return undefined
  // The User-Agent comes with every request; model and system were said once, when the phone was set up.
  const productType = claim?.productType ?? named ?? null
  const build = claim?.build ?? os?.build ?? null
  const judged = claim === undefined ? null : judgeUserAgent(catalogue, userAgent!).finding
  return {
    deviceId, user, productType, build, accessState,
    proposed: productType === null ? null : verdict(productType, build ?? undefined),
    contradictions: [
      ...judged === null || judged === 'not-activesync' ? [] : [judged],
      ...claim?.build != null && os?.build != null && claim.build !== os.build ? ['stale-system' as const] : [],
      ...claim?.productType != null && named !== undefined && claim.productType !== named ? ['model-disagrees' as const] : [],
    ],
  }
}
