import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { createInvitation, invitationState, mailLanguages, type Invitation, type Person } from '../../../devices/invitations.ts'
import type { Template } from '../../../enrollment/template.ts'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import { change, type RecordChange } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { invitationMail } from '../../../notify/messages.ts'
import { invitationOrders, invitationStore, type Attempt, type InvitationListing } from '../../../store/invitations.ts'
import { outboxStore } from '../../../store/outbox.ts'
import { personStore } from '../../../store/people.ts'
import { templateStore } from '../../../store/templates.ts'
import { isUniqueViolation, type Queryable } from '../../../store/db.ts'
import { at, atOrNull, byId, email, id, instant, pageInput, pageOf, personName, sortedBy, sortedPage, sortInput, text } from '../fields.ts'
import { operation } from '../operation.ts'

const dayMs = 86_400_000

/** One attempt of a phone, from its downloaded profile on: how far it came, and what stopped it where. `reason` is that of the decision. */
const attemptView = z.strictObject({
  enrollmentId: z.string(), state: z.enum(['invited', 'allowed', 'refused', 'quarantined', 'profiled', 'issued']), error: z.string().nullable(),
  step: z.enum(['first-post', 'bootstrap-scep', 'second-post', 'device-scep']).nullable(), because: z.string().nullable(), reason: z.string().nullable(),
  deviceId: id.nullable(), at: instant,
})
export type AttemptView = z.output<typeof attemptView>

const invitationView = z.strictObject({
  id, personId: id, personName: z.string(), personEmail: z.string(), template: z.string(), key: z.enum(['device', 'delivered']),
  devices: z.int(), devicesEnrolled: z.int(), state: z.enum(['open', 'expired', 'ended', 'used-up']),
  expiresAt: instant, endedAt: instant.nullable(), createdAt: instant, createdBy: z.string(),
  /** The newest attempt of a phone. */
  attempt: attemptView.nullable(),
})
export type InvitationView = z.output<typeof invitationView>

const viewOfAttempt = (attempt: Attempt): AttemptView => ({ ...attempt, at: at(attempt.at) })

const viewOf = (i: InvitationListing, now: Date): z.input<typeof invitationView> => ({
  id: i.id, personId: i.personId, personName: i.personName, personEmail: i.personEmail, template: i.template, key: i.keyOrigin, devices: i.devicesMax,
  devicesEnrolled: i.placesTaken, state: invitationState(i, i.placesTaken, now), expiresAt: at(i.expiresAt), endedAt: atOrNull(i.endedAt),
  createdAt: at(i.createdAt), createdBy: i.createdBy, attempt: i.attempt === null ? null : viewOfAttempt(i.attempt),
})

export const invitationInput = z.strictObject({
  name: personName,
  email,
  userPrincipalName: z.string().min(3).max(254).regex(/^[\x21-\x7e]+@[\x21-\x7e]+$/, 'must look like ada@example.com').optional(),
  /** Groups that rules can name. They replace those on record, which takes an admin; left out, those stay. */
  groups: z.array(text(100)).max(50).optional(),
  /** In which the person is written to; left out, what is on record stays, and of somebody new it is in all. */
  language: z.enum(mailLanguages).optional(),
  template: text(64).default('default'),
  /** How many devices may enroll. */
  devices: z.int().min(1).max(1000).default(1),
  /** Where the private key is born. */
  key: z.enum(['device', 'delivered']).default('device'),
  /** How long the link opens; the installation's setting where left out. */
  days: z.int().min(1).max(365).optional(),
  /** Also mail the link to the person. */
  send: z.boolean().default(false),
})

export const inviteCreate = operation({
  id: 'inviteCreate', method: 'post', path: '/invitations', role: 'operator', status: 201,
  summary: 'Invite a person to enroll their devices. The link is told this once.',
  input: invitationInput,
  output: z.strictObject({ id, url: z.url(), expiresAt: instant }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const found = await templateStore(tx).find(input.template)
      if (found === undefined) throw new CaError('template-not-found', `there is no template named ${input.template}`)
      return await addInvitation(service, tx, record, actor, input, found.template, now)
    })
  },
})

type InvitationOrder = z.output<typeof invitationInput>
export type NewInvitation = { id: string, url: string, expiresAt: string }

/**
 * Invites one person inside a change that may concern several.
 *
 * @throws {CaError} mail-not-configured when it is to be sent and there is no server for mail; forbidden and conflict as told below
 */
export async function addInvitation(service: Service, tx: Queryable, record: RecordChange, actor: Actor, order: InvitationOrder, body: Template, now: Date): Promise<NewInvitation> {
  const { template, devices, key, days = service.config.invitationDays, send } = order
  if (send && service.config.smtpUrl === undefined) throw new CaError('mail-not-configured', 'mail cannot be sent: LATCHKEY_SMTP_URL is not set')
  const person = await putPerson(tx, record, actor, order, now)
  const created = createInvitation({
    personId: person.id, template, keyOrigin: key, devicesMax: devices, createdBy: actor.name, expiresAt: new Date(now.getTime() + days * dayMs),
  }, now)
  await invitationStore(tx).add(created)
  const { invitation, token } = created
  await record('invitation.create', `invitation:${invitation.id}`, { person: person.email, template, devices, key, expiresAt: invitation.expiresAt, sent: send })
  const url = `${service.config.url}/i/${token}`
  if (send) await outboxStore(tx).add(invitationMail(person, body, url, invitation.expiresAt), now)
  return { id: invitation.id, url, expiresAt: at(invitation.expiresAt) }
}

/**
 * The person of that address, with the name as it was written now. Groups are what rules look at, and the name in the
 * directory is whom a mail server takes the phone for: of somebody on record, both are an admin's to change.
 *
 * @throws {CaError} forbidden; conflict when somebody else has that name in the directory
 */
async function putPerson(tx: Queryable, record: RecordChange, actor: Actor, input: InvitationOrder, now: Date): Promise<Person> {
  const { name, email: address, userPrincipalName = null, groups = [], language = null } = input
  const person: Person = { id: randomUUID(), name, email: address, createdAt: now, userPrincipalName, groups, language }
  const before = await personStore(tx).lockByEmail(address)
  if (before !== undefined) return await updatePerson(tx, record, actor, input, before)
  // Whoever adds the same person at the same moment was first: then they are on record.
  if (!await unlessTaken(personStore(tx).add(person))) return await updatePerson(tx, record, actor, input, (await personStore(tx).lockByEmail(address))!)
  await record('person.create', `person:${person.id}`, { before: null, after: person })
  return person
}

async function updatePerson(tx: Queryable, record: RecordChange, actor: Actor, input: InvitationOrder, before: Person): Promise<Person> {
  const given: Person = { ...before, name: input.name, userPrincipalName: input.userPrincipalName ?? before.userPrincipalName, groups: input.groups ?? before.groups, language: input.language ?? before.language }
  const sameGroups = JSON.stringify([...given.groups].sort()) === JSON.stringify([...before.groups].sort())
  if (actor.role !== 'admin' && !(sameGroups && given.userPrincipalName === before.userPrincipalName)) {
    throw new CaError('forbidden', `${before.email} is on record with other groups or another name in the directory, which only an admin changes; leave them out to keep them`)
  }
  const person = sameGroups ? { ...given, groups: before.groups } : given
  if (JSON.stringify(before) === JSON.stringify(person)) return before
  await unlessTaken(personStore(tx).update(person))
  await record('person.update', `person:${person.id}`, { before, after: person })
  return person
}

async function unlessTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error, 'people_by_user_principal_name')) throw new CaError('conflict', 'somebody else has this name in the directory')
    throw error
  }
}

export const inviteList = operation({
  id: 'inviteList', method: 'get', path: '/invitations', role: 'auditor',
  summary: 'Invitations, newest first or in the order that is asked for.',
  input: z.strictObject({ email: email.optional(), sort: sortInput(invitationOrders).default('-created'), ...pageInput }),
  output: pageOf(invitationView),
  async run(service, _actor, { email: address, sort, limit, cursor }) {
    const sorted = sortedBy(invitationOrders, sort, cursor)
    const personId = address === undefined ? undefined : await personIdOf(service.db, address)
    const rows = await invitationStore(service.db).list({ personId, sorted, limit: limit + 1 })
    const now = service.now()
    return sortedPage(rows, limit, sort, row => viewOf(row, now))
  },
})

export const inviteShow = operation({
  id: 'inviteShow', method: 'get', path: '/invitations/{id}', role: 'auditor',
  summary: 'One invitation, and the newest attempts of phones under it.',
  input: byId,
  output: z.strictObject({ invitation: invitationView, attempts: z.array(attemptView) }),
  async run(service, _actor, input) {
    const found = await invitationStore(service.db).listing(input.id)
    if (found === undefined) throw new CaError('invitation-not-found', 'there is no invitation with this id')
    const attempts = await invitationStore(service.db).attempts(input.id, 20)
    return { invitation: viewOf(found, service.now()), attempts: attempts.map(viewOfAttempt) }
  },
})

/** @throws {CaError} person-not-found */
export async function personIdOf(db: Queryable, address: string): Promise<string> {
  const person = await personStore(db).byEmail(address)
  if (person === undefined) throw new CaError('person-not-found', 'there is no person with this address')
  return person.id
}

export const inviteEnd = operation({
  id: 'inviteEnd', method: 'post', path: '/invitations/{id}/end', role: 'operator',
  summary: 'End an invitation: its link opens nothing any more. Certificates stay.',
  input: byId,
  output: z.strictObject({ id, changed: z.boolean() }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const invitation: Invitation | undefined = await invitationStore(tx).find(input.id)
      if (invitation === undefined) throw new CaError('invitation-not-found', 'there is no invitation with this id')
      const changed = await invitationStore(tx).end(input.id, now)
      if (changed) await record('invitation.end', `invitation:${input.id}`)
      return { id: input.id, changed }
    })
  },
})
