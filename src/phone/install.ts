/** From a payload to an identity: a key born here and certified by SCEP, or one that was delivered. */
import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { openPkcs12 } from '../formats/pkcs12-reader.ts'
import type { Pkcs12Scheme } from '../formats/pkcs12.ts'
import type { PlistDictionary } from '../formats/plist.ts'
import { parseCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import { newRsaKey } from './keys.ts'
import type { InstalledIdentity } from './out-folder.ts'
import { EnrollmentEnded } from './outcome.ts'
import type { Stage } from './outcome.ts'
import { certificatesIn, chainOf, identityPayloadIn, payloadTypes } from './profile.ts'
import { readScepPayload } from './scep-payload.ts'
import type { ScepPayload } from './scep-payload.ts'
import { enrollByScep } from './scep.ts'
import type { ScepOptions, ScepResult } from './scep.ts'

export type InstallOptions = ScepOptions & {
  /** build of the system: it says which PKCS #12 can be read */
  readonly build: string
  /** made beforehand, for SCEP */
  readonly key?: KeyObject
}

/**
 * Installs the identity of these payloads; its chain is made of the certificates they bring.
 *
 * @throws {EnrollmentEnded} when SCEP refuses
 * @throws {CaError} malformed-plist, malformed-pkcs12, and those of `enrollByScep`
 */
export async function installIdentity(payloads: readonly PlistDictionary[], at: Stage, options: InstallOptions): Promise<InstalledIdentity> {
  const payload = identityPayloadIn(payloads)
  const certificates = certificatesIn(payloads)
  switch (payload['PayloadType']) {
    case payloadTypes.scep: return installByScep(readScepPayload(payload), certificates, at, options)
    case payloadTypes.pkcs12: return installPkcs12(payload, certificates, options.build)
    default: throw new CaError('malformed-plist', `a payload of type ${String(payload['PayloadType'])} is not installed`)
  }
}

async function installByScep(payload: ScepPayload, certificates: readonly Certificate[], at: Stage, options: InstallOptions): Promise<InstalledIdentity> {
  const privateKey = options.key ?? await newRsaKey(payload.keySizeBits)
  const certificate = certificateFrom(await enrollByScep(payload, privateKey, options), at)
  return { certificate, privateKey, chain: chainOf(certificate, certificates).slice(1) }
}

/** @throws {EnrollmentEnded} for every other answer */
export function certificateFrom(result: ScepResult, at: Stage): Certificate {
  if (result.pkiStatus === 'SUCCESS') return result.certificate
  if (result.pkiStatus === 'PENDING') throw new EnrollmentEnded({ outcome: 'quarantined', at, text: 'the certification request is still pending' })
  const { failInfo } = result
  throw new EnrollmentEnded({
    outcome: 'refused', at, text: `the certification request was refused with failInfo ${failInfo ?? '(none)'}`,
    ...failInfo === undefined ? {} : { failInfo },
  })
}

function installPkcs12(payload: PlistDictionary, certificates: readonly Certificate[], build: string): InstalledIdentity {
  const { PayloadContent: data, Password: password } = payload
  if (!Buffer.isBuffer(data)) throw new CaError('malformed-plist', 'a PKCS #12 payload holds no data')
  // Without it, the owner would be asked.
  if (typeof password !== 'string') throw new CaError('malformed-pkcs12', 'the password is not in the payload')
  const opened = openPkcs12(data, password, schemesOf(build))
  const certificate = parseCertificate(opened.certificate)
  const privateKey = createPrivateKey({ key: opened.privateKeyPkcs8, format: 'der', type: 'pkcs8' })
  return { certificate, privateKey, chain: chainOf(certificate, [...certificates, ...opened.chain.map(parseCertificate)]).slice(1) }
}

/** From build 22 on (iOS 18) AES-256 with SHA-256 is read as well. */
const schemesOf = (build: string): Pkcs12Scheme[] =>
  Number(/^\d+/.exec(build)?.[0] ?? 0) >= 22 ? ['3des-sha1', 'aes256-sha256'] : ['3des-sha1']
