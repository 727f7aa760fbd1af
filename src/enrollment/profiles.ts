/** The three documents of Over-the-Air enrollment, signed last. */
import { activeAuthority } from '../certificates/authority.ts'
import { encryptEnvelope } from '../formats/enveloped-data.ts'
import { signData } from '../formats/cms-sign.ts'
import { configurationProfile, encryptedConfigurationProfile, profileService, type DeviceAttribute } from '../formats/configuration-profile.ts'
import { scepPayload } from '../formats/payloads/scep.ts'
import { serializePlist, type PlistDictionary } from '../formats/plist.ts'
import type { Certificate } from '../formats/x509.ts'
import { sha256 } from '../certificates/issue.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { InvitationRecord, ScepPurpose } from './records.ts'
import { scepChallenge, uuidOf } from './secrets.ts'
import { payloadsOf, type TemplateIdentity } from './template.ts'

const wantedAttributes: DeviceAttribute[] = ['UDID', 'SERIAL', 'PRODUCT', 'VERSION', 'OS_VERSION']

async function sign(deps: EnrollmentDeps, document: PlistDictionary, signingTime: Date): Promise<Buffer> {
  const { signer, certificate, chain } = deps.profileSigner(signingTime)
  return await signData({ content: serializePlist(document), signer, certificate, extraCertificates: chain, signingTime })
}

const words = (invitation: InvitationRecord) => ({
  organization: invitation.template.organization,
  displayName: invitation.template.displayName,
  ...invitation.template.description === undefined ? {} : { description: invitation.template.description },
})

/** Asks the phone to say what it is, to `/ota/{enrollment}`. */
export async function profileServiceDocument(deps: EnrollmentDeps, enrollmentId: string, invitation: InvitationRecord, challenge: string, now: Date): Promise<Buffer> {
  return await sign(deps, profileService({
    ...words(invitation), identifier: `${invitation.template.identifier}.enroll`, uuid: uuidOf(deps.keyring, enrollmentId, 'service'),
    url: `${deps.url}/ota/${enrollmentId}`, challenge, deviceAttributes: wantedAttributes,
  }), now)
}

/** How a phone gets an identity of ours by SCEP. The fingerprint is of the last certificate that GetCACert answers with. */
function scepIdentity(deps: EnrollmentDeps, purpose: ScepPurpose, enrollmentId: string) {
  const authority = activeAuthority(deps.authorities(), purpose === 'bootstrap' ? 'enrollment' : 'issuing')
  const anchor = purpose === 'bootstrap' ? authority : activeAuthority(deps.authorities(), 'root')
  return {
    url: `${deps.url}/scep/${authority.name}`, caName: authority.name, challenge: scepChallenge(deps.keyring, purpose, enrollmentId),
    caFingerprint: sha256(anchor.certificate.raw), subject: [['CN', purpose === 'bootstrap' ? enrollmentId : 'device']] as const,
  }
}

/** The answer to the first message: exactly one payload, and it yields an identity (Apple, Profile Service, phase 2). */
export async function bootstrapDocument(deps: EnrollmentDeps, enrollmentId: string, invitation: InvitationRecord, decidedAt: Date): Promise<Buffer> {
  const identifier = `${invitation.template.identifier}.bootstrap`
  const header = { identifier: `${identifier}.identity`, uuid: uuidOf(deps.keyring, enrollmentId, 'bootstrap identity'), displayName: invitation.template.displayName }
  return await sign(deps, configurationProfile({
    ...words(invitation), identifier, uuid: uuidOf(deps.keyring, enrollmentId, 'bootstrap'),
    payloads: [scepPayload(header, scepIdentity(deps, 'bootstrap', enrollmentId))],
  }), decidedAt)
}

export const deviceScepIdentity = (deps: EnrollmentDeps, enrollmentId: string): TemplateIdentity =>
  ({ kind: 'scep', ...scepIdentity(deps, 'device', enrollmentId) })

/** The answer to the second message: everything, encrypted to the identity that signed it. */
export async function finalDocument(deps: EnrollmentDeps, enrollmentId: string, invitation: InvitationRecord, identity: TemplateIdentity, recipient: Certificate, now: Date): Promise<Buffer> {
  const { template, person } = invitation
  const authorities = deps.authorities()
  const payloads = payloadsOf(template, {
    person: { name: person.name, email: person.email, ...person.userPrincipalName === null ? {} : { userPrincipalName: person.userPrincipalName } },
    identity,
    root: activeAuthority(authorities, 'root').certificate.raw,
    issuing: activeAuthority(authorities, 'issuing').certificate.raw,
    uuid: name => uuidOf(deps.keyring, enrollmentId, name),
    identifierBase: template.identifier,
  })
  const encryptedPayloadContent = encryptEnvelope(serializePlist(payloads), recipient, 'aes-256-cbc')
  return await sign(deps, encryptedConfigurationProfile({
    ...words(invitation), identifier: template.identifier, uuid: uuidOf(deps.keyring, enrollmentId, 'profile'), encryptedPayloadContent,
    ...template.consentText === undefined ? {} : { consentText: template.consentText },
  }), now)
}
