/** A new certificate before the old one ends, from what the phone has installed. */
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaError } from '../errors.ts'
import type { PlistDictionary } from '../formats/plist.ts'
import { certificateFrom } from './install.ts'
import { readIdentity, writeIdentity } from './out-folder.ts'
import type { InstalledIdentity } from './out-folder.ts'
import { EnrollmentEnded } from './outcome.ts'
import type { Refusal } from './outcome.ts'
import { certificatesIn, chainOf, identityPayloadIn, payloadsIn, payloadTypes } from './profile.ts'
import { readScepPayload } from './scep-payload.ts'
import type { ScepPayload } from './scep-payload.ts'
import { enrollByScep } from './scep.ts'
import type { ScepOptions } from './scep.ts'

export type RenewOptions = Pick<ScepOptions, 'now'> & {
  readonly wait?: ScepOptions['wait']
  /** certified in place of the old key, which Apple's client uses again */
  readonly key?: KeyObject
}

export type RenewOutcome = (InstalledIdentity & { readonly outcome: 'enrolled' }) | Refusal

/**
 * Renews the identity in `folder` and replaces it there: a PKCSReq signed by the old one, with the old
 * challenge in it, for neither means anything any more to this client.
 *
 * @throws {CaError} renewal-not-allowed for a delivered key, not-found, and those of `enrollByScep`
 */
export async function renewPhone(folder: string, options: RenewOptions): Promise<RenewOutcome> {
  const { now, wait = seconds => sleep(seconds * 1000), key } = options
  const old = await readIdentity(folder)
  const payloads = payloadsIn(old.profile)
  const privateKey = key ?? old.privateKey
  try {
    const result = await enrollByScep(scepPayloadIn(payloads), privateKey, { now, wait, oldIdentity: old })
    const certificate = certificateFrom(result, 'scep')
    const renewed: InstalledIdentity = { certificate, privateKey, chain: chainOf(certificate, certificatesIn(payloads)).slice(1) }
    await writeIdentity(folder, renewed)
    return { outcome: 'enrolled', ...renewed }
  } catch (error) {
    if (error instanceof EnrollmentEnded) return error.refusal
    throw error
  }
}

function scepPayloadIn(payloads: readonly PlistDictionary[]): ScepPayload {
  const payload = identityPayloadIn(payloads)
  if (payload['PayloadType'] !== payloadTypes.scep) {
    throw new CaError('renewal-not-allowed', 'a delivered key is not renewed by the phone: it is delivered anew')
  }
  return readScepPayload(payload)
}
