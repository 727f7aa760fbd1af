/** What Exchange had, what is proposed in its place, what could not be carried over and what never did what it seemed to. */
import type { Catalogue } from '../../devices/catalogue.ts'
import { knownUserAgents } from '../../devices/known-user-agents.ts'
import { isPlainText } from '../../formats/plain-text.ts'
import type { AccessLevel, ExchangeInventory } from '../../formats/exchange/inventory.ts'
import type { PolicySnapshot } from '../decision.ts'
import type { Verdict } from '../rules.ts'
import { listDevice, type ListedDevice } from './exchange-devices.ts'
import { proposeForExchange, verdictFor, type Carried, type NotCarried } from './exchange-proposal.ts'
import { exchangeRules, reportedBy } from './exchange-simulation.ts'
import { snapshotOf, verdictOf, type Proposal } from './proposal.ts'

export type ExchangeFindingCode =
  | 'default-allow' | 'default-assumed' | 'default-quarantine' | 'exact-match-only' | 'self-reported' | 'stale-systems' | 'contradictory-phones'
  | 'non-provisionable-allowed' | 'encryption-self-reported' | 'encryption-not-required' | 'personal-exemptions' | 'quarantine-mail' | 'admin-mail' | 'mailbox-policy' | 'rows-passed-over'
export type ExchangeFinding = { readonly code: ExchangeFindingCode, readonly kind: 'illusion' | 'not-carried-over' | 'note', readonly text: string }

export type ExchangeReport = {
  readonly read: { rules: number, policies: number, devices: number, settings: boolean }
  readonly defaultAccessLevel: AccessLevel
  readonly carried: readonly Carried[]
  readonly notCarried: readonly NotCarried[]
  readonly doubtful: readonly NotCarried[]
  readonly findings: readonly ExchangeFinding[]
  readonly proposal: Proposal
  /** Genuine phones about which the proposal decides otherwise than Exchange does. */
  readonly differences: readonly { productType: string, build: string, exchange: Verdict, proposed: Verdict }[]
  readonly devices: readonly ListedDevice[]
}

export function reportOnExchange(catalogue: Catalogue, inventory: ExchangeInventory, now: Date): ExchangeReport {
  const { rules, settings } = inventory
  const byDefault = settings?.defaultAccessLevel ?? 'Allow'
  const insert = settings?.userMailInsert ?? undefined
  // HTML goes into a mail and not into our pages.
  const textForPerson = insert !== undefined && insert.trim() !== '' && isPlainText(insert) && !insert.includes('<') ? insert.trim() : undefined
  const { proposal, ...translated } = proposeForExchange(catalogue, rules, byDefault, textForPerson)
  const policies = new Map<string, PolicySnapshot>()
  const policyFor = (productType: string): PolicySnapshot => policies.get(productType) ?? policies.set(productType, snapshotOf(proposal, now, productType)).get(productType)!
  const verdict = (productType: string, build: string | undefined): Verdict => verdictOf(catalogue, policyFor(productType), { productType, build }, now)
  const devices = inventory.devices.map(device => listDevice(catalogue, device, verdict)).filter(device => device !== undefined)
  return {
    read: { rules: rules.length, policies: inventory.policies.length, devices: inventory.devices.length, settings: settings !== undefined },
    defaultAccessLevel: byDefault, ...translated, proposal, devices,
    findings: [...ofDefault(inventory), ...ofRules(inventory, translated.carried), ...ofPolicies(inventory), ...ofDevices(devices), ...ofPersons(inventory, textForPerson)],
    differences: differencesTo(catalogue, inventory, byDefault, verdict),
  }
}

const illusion = (code: ExchangeFindingCode, text: string): ExchangeFinding => ({ code, kind: 'illusion', text })
const lost = (code: ExchangeFindingCode, text: string): ExchangeFinding => ({ code, kind: 'not-carried-over', text })
const note = (code: ExchangeFindingCode, text: string): ExchangeFinding => ({ code, kind: 'note', text })

function ofDefault({ settings, passedOver }: ExchangeInventory): ExchangeFinding[] {
  const level = settings?.defaultAccessLevel
  return [
    ...level === undefined ? [note('default-assumed', 'The settings of the organization are not among the files; the default is taken to be Allow, as Exchange is delivered. Add Get-ActiveSyncOrganizationSettings to be sure.')] : [],
    ...level === undefined || level === 'Allow' ? [illusion('default-allow', 'What no rule names is let in: every model that is sold tomorrow, and every program that says nothing it was asked for. The proposal names the models of today; later ones wait for somebody’s yes.')] : [],
    ...level === 'Quarantine' ? [note('default-quarantine', 'What no rule names is set aside, by rules about models; a model that the catalogue does not know is never let in.')] : [],
    ...passedOver > 0 ? [note('rows-passed-over', `${passedOver} rows are something else and were passed over.`)] : [],
  ]
}

function ofRules({ rules }: ExchangeInventory, carried: readonly Carried[]): ExchangeFinding[] {
  if (rules.length === 0) return []
  const restricting = carried.filter(({ accessLevel }) => accessLevel !== 'Allow').length
  return [
    illusion('self-reported', 'Exchange believes what the phone says: model, system and User-Agent are not checked by the server (MS-ASCMD), and clients that imitate phones are public. The proposal asks for evidence.'),
    ...restricting === 0 ? [] : [illusion('exact-match-only', `${restricting === 1 ? 'One rule that restricts' : `${restricting} rules that restrict`} fit one exact text each. The next build, the next model and another spelling are other texts, and pass them by.`)],
  ]
}

function ofPolicies({ policies }: ExchangeInventory): ExchangeFinding[] {
  const names = (of: typeof policies): string => of.map(({ name }) => `“${name}”`).join(', ')
  const open = policies.filter(({ allowNonProvisionable }) => allowNonProvisionable === true)
  const demanding = policies.filter(({ requireEncryption }) => requireEncryption === true)
  return [
    ...open.length === 0 ? [] : [illusion('non-provisionable-allowed', `AllowNonProvisionableDevices is true in ${names(open)}: a phone that says that it cannot do what the policy asks is let in without it, so what the policy requires keeps nobody out.`)],
    ...demanding.length === 0 ? [] : [illusion('encryption-self-reported', `RequireDeviceEncryption in ${names(demanding)} asks the phone whether it encrypts and believes the answer; every iPhone OS 3.0 said yes. Add the condition "without storage encryption: block" to have it decided on the model.`)],
    ...policies.length > 0 && demanding.length === 0 ? [note('encryption-not-required', 'No mailbox policy requires encryption.')] : [],
    ...policies.length === 0 ? [] : [lost('mailbox-policy', 'Passcodes and what else mailbox policies ask for are not rules about devices: put them into the template of the configuration profile.')],
  ]
}

function ofDevices(devices: readonly ListedDevice[]): ExchangeFinding[] {
  const stale = devices.filter(({ contradictions }) => contradictions.includes('stale-system'))
  const odd = devices.filter(({ contradictions }) => contradictions.some(code => code !== 'stale-system'))
  const example = ([device]: readonly ListedDevice[]): string => `${device!.deviceId}${device!.user === null ? '' : ` of ${device!.user}`}`
  return [
    ...stale.length === 0 ? [] : [illusion('stale-systems', `Exchange knows another system of ${stale.length} phones than their User-Agent says, for example of ${example(stale)}: it is told once, when the phone is set up. Rules about DeviceOS go by the old one.`)],
    ...odd.length === 0 ? [] : [note('contradictory-phones', `${odd.length} phones say what no phone can say, for example ${example(odd)}: look at them before they are invited.`)],
  ]
}

function ofPersons({ settings, exemptions, devices }: ExchangeInventory, textForPerson: string | undefined): ExchangeFinding[] {
  const listed = exemptions.reduce((sum, { allowed, blocked }) => sum + allowed.length + blocked.length, 0)
  const seen = devices.filter(({ accessStateReason }) => /^Individual$/i.test(accessStateReason ?? '')).length
  return [
    ...listed + seen === 0 ? [] : [lost('personal-exemptions', `${Math.max(listed, seen)} devices are allowed or blocked one by one, by an identifier that the phone chose. Here an exemption is bound to a device that has shown evidence: invite the person, and use latchkey exempt.`)],
    ...settings?.userMailInsert == null ? [] : [textForPerson === undefined
      ? lost('quarantine-mail', 'The text of the quarantine mail is HTML and was not carried over: give rules a text for the person.')
      : note('quarantine-mail', 'The text of the quarantine mail became the text for the person of rules that quarantine.')],
    ...settings?.hasAdminMail === true ? [lost('admin-mail', 'Whom Exchange wrote to about quarantined phones is not carried over: see LATCHKEY_SMTP_URL and LATCHKEY_WEBHOOK_URL.')] : [],
  ]
}

function differencesTo(catalogue: Catalogue, { rules }: ExchangeInventory, byDefault: AccessLevel, verdict: (productType: string, build: string) => Verdict): ExchangeReport['differences'] {
  const exchange = exchangeRules(rules, byDefault)
  return knownUserAgents(catalogue).filter(known => known.genuine).flatMap(known => known.productTypes.map(productType => ({
    productType, build: known.build, exchange: verdictFor[exchange.decide(reportedBy(catalogue, productType, known))], proposed: verdict(productType, known.build),
  }))).filter(({ exchange: was, proposed }) => was !== proposed)
}
