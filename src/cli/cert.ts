import type { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RevocationReason } from '../certificates/revoke.ts'
import { CaError } from '../errors.ts'
import { certHold, certList, certRelease, certRevoke, certShow } from '../protocols/api/operations/certificates.ts'
import { frontEndEnforcement } from '../protocols/api/operations/enforcement.ts'
import { reasonNames } from '../protocols/api/operations/certificate-view.ts'
import { group, leaf, line, more, paged, searchWords, sorted, wholeNumber, type Context, type Paged, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function certCommands(root: Command, world: World): void {
  const cert = group(root, 'cert', 'certificates')
  leaf(cert, world, 'list', 'certificates of devices, newest first', list, command => sorted(paged(command), 'created, ends or person')
    .option('--person <email>', 'of one person').option('--device <id>', 'of one device').option('--search <text>', searchWords))
  leaf(cert, world, 'show <certificate>', 'one certificate, by serial number or fingerprint', show, command => command.option('--pem', 'print it in PEM'))
  leaf(cert, world, 'revoke [certificate]', 'revoke one certificate, or all of a person or device', revoke, command => target(command)
    .option('--reason <reason>', reasonNames.filter(name => name !== 'certificateHold').join(', '), 'unspecified'))
  leaf(cert, world, 'hold [certificate]', 'like revoking, but it can be taken back', changeWith(certHold), target)
  leaf(cert, world, 'release [certificate]', 'release from hold; a device that was revoked may enroll again', changeWith(certRelease), target)
}

const target = (command: Command): Command => command
  .option('--person <email>', 'all of a person; revoking ends their invitations, a hold keeps all their devices out')
  .option('--device <id>', 'all of a device, by id or UDID; it stays out until it is released')
  .option('--cause <text>', 'why, for the record').option('--wait', 'until every front end with an agent has confirmed it, and the lists say so')
  .option('--patience <seconds>', 'how long to wait', wholeNumber, 30)

async function list({ client, print }: Context, { person, device, search, sort, limit, cursor }: Paged & { person?: string, device?: string, search?: string, sort?: 'person' }): Promise<void> {
  print(await client.call(certList, { person, device, search, sort, limit, cursor }), ({ items, next }) => table(['serial number', 'status', 'person', 'product type', 'evidence', 'until'],
    items.map(c => [c.serialNumber, c.status, c.personEmail, c.productType, `${c.grade ?? '-'}${c.test ? ' (TEST)' : ''}`, when(c.notAfter)])) + more(next))
}

async function show({ client, print }: Context, { pem }: { pem?: boolean }, certificate: string): Promise<void> {
  print(await client.call(certShow, { certificate }), c => pem === true ? c.pem ?? '' : fields([
    ['serial number', c.serialNumber], ['fingerprint', c.fingerprint], ['authority', c.authority], ['kind', c.kind], ['status', c.status],
    ['person', c.personName === null ? null : `${c.personName} <${c.personEmail}>`], ['device', c.deviceId], ['product type', c.productType],
    ['evidence', c.grade === null ? null : `${c.grade}${c.test ? ' (TEST)' : ''}`], ['key born', c.keyOrigin === 'delivered' ? 'here, and delivered' : c.keyOrigin],
    ['from', when(c.notBefore)], ['until', when(c.notAfter)], ['first used', when(c.firstUsedAt)],
    ...c.revocation === null ? [] : [['revoked', when(c.revocation.revokedAt)], ['reason', c.revocation.reason], ['by', c.revocation.actor], ['cause', c.revocation.cause]] as const,
    ['on the lists', c.published],
  ]))
}

type TargetOptions = { person?: string, device?: string, cause?: string, wait?: boolean, patience: number }

async function revoke(context: Context, { person, device, cause, reason, wait, patience }: TargetOptions & { reason: string }, certificate?: string): Promise<void> {
  const outcome = await context.client.call(certRevoke, { certificate, person, device, cause, reason: reason as Exclude<RevocationReason, 'certificateHold'> })
  await report(context, outcome, wait === true ? patience : undefined)
}

const changeWith = (operation: typeof certHold | typeof certRelease) => async (context: Context, { person, device, cause, wait, patience }: TargetOptions, certificate?: string): Promise<void> => {
  await report(context, await context.client.call(operation, { certificate, person, device, cause }), wait === true ? patience : undefined)
}

type Outcome = { changed: { serialNumber: string, authority: string }[], unchanged: number, invitationsEnded: number, lockedOut: string[], letInAgain: string[], change: number | null }

/** @param patience  seconds to wait, where somebody waits */
async function report(context: Context, outcome: Outcome, patience: number | undefined): Promise<void> {
  if (patience !== undefined && outcome.change !== null) {
    const until = context.world.now().getTime() + patience * 1000
    await confirmed(context, outcome.change, until)
    for (const { serialNumber } of outcome.changed) await published(context, serialNumber, until)
  }
  context.print(outcome, ({ changed, unchanged, invitationsEnded, lockedOut, letInAgain }) => [
    ...changed.map(({ serialNumber }) => `changed: ${serialNumber}`),
    ...unchanged === 0 ? [] : [`unchanged: ${unchanged}`],
    ...invitationsEnded === 0 ? [] : [`invitations ended: ${invitationsEnded}`],
    ...lockedOut.map(subject => `locked out until released: ${inWords(subject)}`),
    ...letInAgain.map(subject => `may enroll again: ${inWords(subject)}`),
    ...changed.length + unchanged + invitationsEnded + lockedOut.length + letInAgain.length === 0 ? ['nothing to change'] : [],
  ].map(line).join(''))
}

const inWords = (subject: string): string => subject.replace(':', ' ')

async function published({ client, world }: Context, certificate: string, patientUntil: number): Promise<void> {
  while (!(await client.call(certShow, { certificate })).published) {
    if (world.now().getTime() > patientUntil) throw new CaError('crl-not-published', 'the change is made, but the lists have not been published in time')
    await sleep(100)
  }
}

/** @throws {CaError} front-end-behind, naming those that have not confirmed in time */
async function confirmed({ client, world }: Context, change: number, patientUntil: number): Promise<void> {
  for (;;) {
    const behind = (await client.call(frontEndEnforcement, {})).items.filter(item => item.change < change)
    if (behind.length === 0) return
    if (world.now().getTime() > patientUntil) {
      throw new CaError('front-end-behind', `the change is made, but not confirmed by ${behind.map(({ name, standing }) => `${name} (${standing})`).join(', ')}`)
    }
    await sleep(100)
  }
}
