/**
 * A template: what the configuration profiles of an organization carry besides the identity. An admin writes it,
 * `payloadsOf` fills it in for one device, `consequencesOf` says what it does to the phone's owner.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../errors.ts'
import { mistakeInWords } from '../formats/mistake-words.ts'
import { certificatePayload, rootCertificatePayload } from '../formats/payloads/certificate.ts'
import { exchangePayload } from '../formats/payloads/exchange.ts'
import { type Ikev2CertificateType, ikev2Payload } from '../formats/payloads/ikev2.ts'
import { passcodePayload } from '../formats/payloads/passcode.ts'
import type { PayloadHeader } from '../formats/payloads/payload.ts'
import { type Pkcs12Fields, pkcs12Payload } from '../formats/payloads/pkcs12.ts'
import { restrictionsPayload } from '../formats/payloads/restrictions.ts'
import { type ScepFields, scepPayload } from '../formats/payloads/scep.ts'
import { webClipPayload } from '../formats/payloads/web-clip.ts'
import { wifiPayload } from '../formats/payloads/wifi.ts'
import { fromPem } from '../formats/pem.ts'
import type { PlistDictionary } from '../formats/plist.ts'
import { parseCertificate } from '../formats/x509.ts'
import * as fields from './template-fields.ts'

const templateObject = z.strictObject({
  organization: fields.line(100),
  displayName: fields.line(100),
  description: fields.longText(2000).exactOptional(),
  consentText: fields.longText(4000).exactOptional(),
  /** Whom to ask: stands on every page that refuses somebody. */
  contact: fields.longText(1000),
  /** Base of every PayloadIdentifier. Changing it makes phones add a second configuration profile beside the first. */
  identifier: fields.reverseDomainName,
  trustedCertificates: z.array(fields.trustedCertificate).max(10).exactOptional(),
  exchange: fields.exchange.exactOptional(),
  wifi: z.array(fields.wifi).max(10).exactOptional(),
  ikev2: fields.ikev2.exactOptional(),
  passcode: fields.passcode.exactOptional(),
  forceEncryptedBackup: z.boolean().exactOptional(),
  webClip: z.array(fields.webClip).max(10).exactOptional(),
})

export type Template = z.infer<typeof templateObject>

export const Template = templateObject.superRefine((template, context) => {
  for (const problem of contradictions(template)) context.addIssue({ code: 'custom', ...problem })
})

/** Certificates and an identity, nothing else: it takes nothing from the owner that needs explaining. */
export const defaultTemplate: Template = {
  organization: 'Latchkey',
  displayName: 'Access with this phone',
  contact: 'Please ask the person who sent you the invitation.',
  identifier: 'local.latchkey',
}

/** What refers to something that is not there, or has the name of something that is. */
function contradictions(template: Template): { path: (string | number)[], message: string }[] {
  const problems: { path: (string | number)[], message: string }[] = []
  const names = {
    trustedCertificates: (template.trustedCertificates ?? []).map(certificate => certificate.name),
    wifi: (template.wifi ?? []).map(network => network.ssid),
    webClip: (template.webClip ?? []).map(clip => clip.label),
  }
  for (const [list, taken] of Object.entries(names)) {
    for (const [index, name] of taken.entries()) {
      if (taken.indexOf(name) < index) problems.push({ path: [list, index], message: `there are two of the name ${name}` })
    }
  }
  for (const [index, network] of (template.wifi ?? []).entries()) {
    const unknown = (network.anchors ?? []).find(anchor => !names.trustedCertificates.includes(anchor))
    if (unknown !== undefined) problems.push({ path: ['wifi', index, 'anchors'], message: `no trusted certificate is called ${unknown}` })
  }
  return problems
}

/**
 * @param value  what JSON.parse made of an admin's text
 * @throws {CaError} malformed-template, naming every field that is wrong
 */
export function parseTemplate(value: unknown): Template {
  const { success, data, error } = Template.safeParse(value)
  if (success) return data
  const problems = error.issues.slice(0, 20).map(issue => `${issue.path.join('.') || 'template'}: ${mistakeInWords(issue)}`)
  throw new CaError('malformed-template', problems.join('; '))
}

/** How the phone comes by its key: born there, or delivered with the configuration profile. */
export type TemplateIdentity =
  | { kind: 'scep' } & ScepFields
  | { kind: 'pkcs12', certificateType?: Ikev2CertificateType } & Pkcs12Fields

export type TemplateContext = {
  person: { name: string, email: string, userPrincipalName?: string }
  identity: TemplateIdentity
  /** DER. */
  root: Buffer
  issuing: Buffer
  /** A new UUID for each name; asked once per name. */
  uuid: (name: string) => string
  /** Stays the same for updates of the same configuration profile. */
  identifierBase: string
}

/** Header of the payload `name`: the identifier derives from the name, so that an update replaces its like. */
type HeaderOf = (name: string, displayName: string) => PayloadHeader

/**
 * The payloads of one device's configuration profile. Accounts and networks point at the identity and at the anchors
 * by PayloadUUID, so all of them have to travel in one document.
 *
 * @throws {CaError} malformed-template when the VPN needs a setting that only this identity's key type shows
 */
export function payloadsOf(template: Template, context: TemplateContext): PlistDictionary[] {
  const { organization } = template
  const header: HeaderOf = (name, displayName) =>
    ({ identifier: `${context.identifierBase}.${name}`, uuid: context.uuid(name), displayName, organization })
  const root = header('root', `${organization}: root certificate`)
  const issuing = header('issuing', `${organization}: issuing certificate`)
  const identity = header('identity', `${organization}: ${context.person.name}`)
  const trusted = trustedCertificates(template, header)
  return [
    rootCertificatePayload(root, { certificate: context.root, fileName: 'root.cer' }),
    certificatePayload(issuing, { certificate: context.issuing, fileName: 'issuing.cer' }),
    ...trusted.map(certificate => certificate.payload),
    context.identity.kind === 'scep' ? scepPayload(identity, context.identity) : pkcs12Payload(identity, context.identity),
    ...accounts(template, context, header, identity.uuid),
    ...networks(template, context, header, identity.uuid, new Map(trusted.map(({ name, uuid }) => [name, uuid])), root.uuid),
    ...deviceRules(template, header),
  ]
}

function trustedCertificates(template: Template, header: HeaderOf): { name: string, uuid: string, payload: PlistDictionary }[] {
  return (template.trustedCertificates ?? []).map(({ name, pem }) => {
    const certificate = parseCertificate(fromPem(pem, 'CERTIFICATE')[0]!)
    const ofThis = header(`certificate.${slug(name)}`, name)
    const isRoot = certificate.subject.raw.equals(certificate.issuer.raw)
    const payload = (isRoot ? rootCertificatePayload : certificatePayload)(ofThis, { certificate: certificate.raw })
    return { name, uuid: ofThis.uuid, payload }
  })
}

const userNameOf = ({ person }: TemplateContext): string => person.userPrincipalName ?? person.email

function accounts(template: Template, context: TemplateContext, header: HeaderOf, identityUuid: string): PlistDictionary[] {
  if (template.exchange === undefined) return []
  const { name, ...exchange } = template.exchange
  return [exchangePayload(header('exchange', name ?? template.organization), {
    ...exchange, emailAddress: context.person.email, userName: userNameOf(context), identityUuid,
  })]
}

function networks(
  template: Template, context: TemplateContext, header: HeaderOf, identityUuid: string,
  trusted: ReadonlyMap<string, string>, rootUuid: string,
): PlistDictionary[] {
  const wifi = (template.wifi ?? []).map(({ anchors, ...network }) => wifiPayload(header(`wifi.${slug(network.ssid)}`, network.ssid), {
    ...network, userName: userNameOf(context), identityUuid,
    anchorUuids: anchors === undefined ? [rootUuid] : anchors.map(anchor => trusted.get(anchor)!),
  }))
  return template.ikev2 === undefined ? wifi : [...wifi, vpn(template.ikev2, template, context, header, identityUuid)]
}

function vpn(
  ikev2: NonNullable<Template['ikev2']>, template: Template, context: TemplateContext, header: HeaderOf, identityUuid: string,
): PlistDictionary {
  const { name = template.organization, server, remoteIdentifier = server, ...settings } = ikev2
  const certificateType = ikev2.certificateType ?? deliveredKeyType(context.identity)
  if (certificateType !== undefined && ikev2.serverCertificateIssuerCommonName === undefined) {
    throw new CaError('malformed-template', `ikev2.serverCertificateIssuerCommonName: is needed with a key of type ${certificateType}`)
  }
  return ikev2Payload(header('vpn', name), {
    ...settings, userDefinedName: name, remoteAddress: server, remoteIdentifier, identityUuid,
    // The e-mail address is in every device certificate as rfc822Name.
    localIdentifier: context.person.email,
    ...certificateType !== undefined && { certificateType },
  })
}

/** RSA is what Apple assumes, and the only kind of key that SCEP gives. */
function deliveredKeyType(identity: TemplateIdentity): Ikev2CertificateType | undefined {
  const type = identity.kind === 'pkcs12' ? identity.certificateType : undefined
  return type === 'RSA' ? undefined : type
}

function deviceRules(template: Template, header: HeaderOf): PlistDictionary[] {
  const { passcode, forceEncryptedBackup, webClip = [], organization } = template
  return [
    ...passcode === undefined ? [] : [passcodePayload(header('passcode', `${organization}: passcode`), passcode)],
    ...forceEncryptedBackup === true ? [restrictionsPayload(header('restrictions', `${organization}: backups`), { forceEncryptedBackup })] : [],
    ...webClip.map(({ icon, ...clip }) => webClipPayload(header(`web-clip.${slug(clip.label)}`, clip.label), {
      ...clip, ...icon !== undefined && { icon: Buffer.from(icon, 'base64') },
    })),
  ]
}

/** A part of an identifier that stays the same for the same name and differs for different ones. */
function slug(name: string): string {
  if (/^[a-z0-9]{1,40}$/.test(name)) return name
  const readable = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 40)
  return `${readable || 'name'}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`
}
