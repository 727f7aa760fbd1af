import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { inventorySentence } from '../devices/inventory-words.ts'
import { deviceAcceptClaims } from '../protocols/api/operations/device-activesync.ts'
import { deviceStory, evidenceShow } from '../protocols/api/operations/device-story.ts'
import { deviceApprove, deviceRefuse } from '../protocols/api/operations/device-settle.ts'
import { deviceExplain, deviceList, deviceShow } from '../protocols/api/operations/devices.ts'
import { group, leaf, line, more, paged, searchWords, sorted, untilInstant, type Context, type Paged, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function deviceCommands(root: Command, world: World): void {
  const device = group(root, 'device', 'devices and the quarantine')
  leaf(device, world, 'list', 'devices, newest first', list, command => sorted(paged(command), 'created, person or model; with --quarantined waiting')
    .option('--person <email>', 'of one person').option('--quarantined', 'only those that wait for a decision').option('--search <text>', searchWords))
  leaf(device, world, 'show <id>', 'one device', show)
  leaf(device, world, 'story <id>', 'what happened to one device', story)
  leaf(device, world, 'explain <id>', 'what would be decided about it now', explain)
  leaf(device, world, 'evidence <id> <evidence>', 'one piece of evidence, as the phone sent it: a CMS message', evidence, command => command.requiredOption('--out <file>', 'where to write it'))
  const settled = (command: Command): Command => command
    .requiredOption('--reason <text>', 'why, for the record').option('--until <day>', 'the last day on which it holds', untilInstant)
  leaf(device, world, 'approve <id>', 'let a device out of quarantine', settleWith(deviceApprove, 'approved: where it holds no certificate its owner opens the link again'), settled)
  leaf(device, world, 'refuse <id>', 'refuse a device in quarantine', settleWith(deviceRefuse, 'refused'), command => settled(command).option('--text-for-person <text>', 'what its owner reads'))
  leaf(device, world, 'accept-claims <id>', 'accept what its ActiveSync requests claimed against its certificate', acceptClaims, command => command.requiredOption('--reason <text>', 'why, for the record'))
}

const testMark = (test: boolean): string => test ? ' (TEST)' : ''

async function list({ client, print }: Context, { person, quarantined, search, sort, limit, cursor }: Paged & { person?: string, quarantined?: boolean, search?: string, sort?: 'person' }): Promise<void> {
  print(await client.call(deviceList, { person, quarantined: quarantined === true ? 'true' : undefined, search, sort, limit, cursor }), ({ items, next }) =>
    table(['person', 'model', 'product type', 'version', 'evidence', 'state', 'since', 'id'], items.map(d =>
      [d.personName, d.modelName, d.productType, d.osVersion ?? d.build, d.grade + testMark(d.test), d.lockedOut ?? d.enrollment?.state, when(d.createdAt), d.id])) + more(next))
}

async function show({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(deviceShow, { id }), d => fields([
    ['id', d.id], ['person', `${d.personName} <${d.personEmail}>`], ['model', d.modelName], ['product type', d.productType], ['build', d.build],
    ['version', d.osVersion], ['serial number', d.serialNumber], ['UDID', d.udid], ['evidence', d.grade + testMark(d.test)], ['known since', when(d.createdAt)],
    ['newest evidence', when(d.knownAt)], ['locked out', d.lockedOut], ['enrollment', d.enrollment?.state], ['decision', d.enrollment?.decision?.textForAdmin],
    ...d.certificates.map(c => ['certificate', `${c.serialNumber} ${c.status}, until ${when(c.notAfter)}`] as const),
    ...d.exemptions.map(e => ['exemption', `${e.verdict} until ${when(e.notAfter)}: ${e.reason}`] as const),
    ...d.evidence.map(e => ['evidence kept', `${e.kind} ${when(e.receivedAt)} sha256:${e.sha256}`] as const),
    ...d.inventory.listed.map(e => ['inventory', [e.model ?? e.productTypes.join(' '), e.ownerEmail, e.assetTag].filter(text => text !== null && text !== '').join(', ')] as const),
    ...d.inventory.findings.map(finding => ['contradiction', `${finding}: ${inventorySentence(finding, d.inventory.listed, d)}`] as const),
    ...d.activeSync.deviceIds.map(i => ['first used by', `${i.deviceId} ${when(i.firstSeenAt)}, certificate ${i.certificate}`] as const),
    ...d.activeSync.findings.map(f => [f.accepted ? 'accepted' : 'contradiction', `${f.finding} ${when(f.foundAt)} at ${f.frontEnd}: ${f.sentence}`] as const),
  ]))
}

async function story({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(deviceStory, { id }), ({ items }) => table(['when', 'what', 'evidence', 'by', 'certificate', 'text'],
    items.map(e => [when(e.at), e.kind, e.grade === null ? null : e.grade + testMark(e.test), e.by, e.certificate, e.text])))
}

async function explain({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(deviceExplain, { id }), ({ verdict, code, textForAdmin, textForPerson }) =>
    fields([['verdict', verdict], ['code', code], ['for the admin', textForAdmin], ['for the person', textForPerson]]))
}

async function evidence({ client, print }: Context, { out }: { out: string }, id: string, evidenceId: string): Promise<void> {
  const found = await client.call(evidenceShow, { id, evidence: evidenceId })
  await writeFile(out, Buffer.from(found.raw, 'base64'), { flag: 'wx' })
  print(found, ({ sha256 }) => line(`written: ${out}, SHA-256 ${sha256}`))
}

const settleWith = (operation: typeof deviceApprove | typeof deviceRefuse, done: string) =>
  async ({ client, print }: Context, { reason, until, textForPerson }: { reason: string, until?: string, textForPerson?: string }, id: string): Promise<void> => {
    print(await client.call(operation, { id, reason, until, ...textForPerson !== undefined && { textForPerson } }), ({ exemption, decision, released, revoked }) =>
      line(`${done}${exemption === null ? '' : ` until ${when(exemption.notAfter)}`}${released > 0 ? `; released: ${released}` : ''}${revoked > 0 ? `; revoked: ${revoked}` : ''}`) + line(decision.textForAdmin))
  }

async function acceptClaims({ client, print }: Context, { reason }: { reason: string }, id: string): Promise<void> {
  print(await client.call(deviceAcceptClaims, { id, reason }), ({ accepted }) => line(accepted === 0 ? 'there was nothing to accept' : `accepted: ${accepted}`))
}
