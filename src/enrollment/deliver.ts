import type { Pkcs12Scheme } from '../formats/pkcs12.ts'
import { parseOsVersion } from '../formats/os-version.ts'
import { knowledgeOf } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import { completeDevice, deviceChain, prepareDevice, takePlace, type DeviceOrder } from './issue-device.ts'
import type { DeviceRecord, EnrollmentRecord, EnrollmentWrites, InvitationRecord } from './records.ts'
import { lockStanding, type Outlook } from './standing.ts'
import type { TemplateIdentity } from './template.ts'

/** An identity made here, because the invitation says so. It exists only in the document that is about to be encrypted. */
export type Delivery = { identity: TemplateIdentity, complete(tx: EnrollmentWrites): Promise<void> }

export async function deliverIdentity(deps: EnrollmentDeps, enrollment: EnrollmentRecord, outlook: Outlook, now: Date): Promise<Delivery> {
  const { device, invitation } = outlook
  const key = await deps.keyring.newLeafKey()
  const order: DeviceOrder = { outlook, enrollmentId: enrollment.id, keyOrigin: 'delivered', subjectPublicKeyInfo: key.subjectPublicKeyInfo }
  const prepared = await prepareDevice(deps, order, now)
  const { password } = key
  const data = await key.toPkcs12({
    certificate: prepared.certificate.raw, chain: deviceChain(deps), password, friendlyName: invitation.person.name,
    scheme: schemeFor(deps, device, invitation),
  })
  return {
    identity: { kind: 'pkcs12', data, password, fileName: 'identity.p12' },
    async complete(tx) {
      const locked = await lockStanding(deps, tx, { deviceId: device.id, invitationId: invitation.id }, now)
      await Promise.all([takePlace(tx, locked, now), completeDevice(tx, locked, prepared, order, null, now)])
    },
  }
}

/** iOS 18 was the first to read AES; a phone whose version we do not know gets what all of them read. */
function schemeFor(deps: EnrollmentDeps, device: DeviceRecord, invitation: InvitationRecord): Pkcs12Scheme {
  const { osVersion } = knowledgeOf(deps, device, invitation)
  const major = osVersion === undefined ? undefined : parseOsVersion(osVersion.value)?.numbers[0]
  return major !== undefined && major >= 18 ? 'aes256-sha256' : '3des-sha1'
}
