import { z } from 'zod'
import { mailLanguages } from '../../../devices/invitations.ts'
import { CaError } from '../../../errors.ts'
import type { Service } from '../../../http/service.ts'
import { peopleOrders, personPages, type PersonListing } from '../../../store/people-pages.ts'
import { searchPeople } from '../../../store/search-people.ts'
import { searchText, type Place } from '../../../store/search.ts'
import { at, atOrNull, cursorOf, email, id, instant, keyIn, pageInput, parseTimeKey, searchablePageOf, searchInput, searchIsAlone, sortedBy, sortedPage, sortInput, timeKey } from '../fields.ts'
import { operation } from '../operation.ts'

const personFields = {
  id, name: z.string(), email: z.string(), userPrincipalName: z.string().nullable(), groups: z.array(z.string()), /** In which they are written to; null is in all. */ language: z.enum(mailLanguages).nullable(), createdAt: instant,
  /** Since when nothing new is issued to any phone of theirs. */
  heldAt: instant.nullable(),
  phones: z.int(),
}
const personView = z.strictObject(personFields)
export type PersonView = z.output<typeof personView>

const viewOf = ({ createdAt, heldAt, ...rest }: PersonListing): PersonView => ({ ...rest, groups: [...rest.groups], createdAt: at(createdAt), heldAt: atOrNull(heldAt) })

const personPage = searchablePageOf(personView)

export const personList = operation({
  id: 'personList', method: 'get', path: '/people', role: 'auditor',
  summary: 'People who were invited, newest first or in the order that is asked for; or those that a search finds by name or address, newest first.',
  input: z.strictObject({ search: searchInput, sort: sortInput(peopleOrders).optional(), ...pageInput }).refine(...searchIsAlone(['sort'])),
  output: personPage,
  async run(service, _actor, { search, sort = '-created', limit, cursor }) {
    if (search !== undefined) return await searched(service, search, keyIn(cursor, parseTimeKey), limit)
    const rows = await personPages(service.db).list(sortedBy(peopleOrders, sort, cursor), limit + 1)
    return { ...sortedPage(rows, limit, sort, ({ sortKey: _, ...person }) => viewOf(person)), lookedBackTo: null }
  },
})

async function searched(service: Service, search: string, before: Place<string> | undefined, limit: number): Promise<z.input<typeof personPage>> {
  const text = await searchText(service.db, search, [])
  if (text === undefined) return { items: [], next: null, lookedBackTo: null }
  const { ids, next, lookedBackTo } = await searchPeople(service.db, text, before, limit)
  return { items: (await personPages(service.db).byIds(ids)).map(viewOf), next: next === undefined ? null : cursorOf(timeKey(next)), lookedBackTo: atOrNull(lookedBackTo ?? null) }
}

/** By id, or by address. */
const byName = z.strictObject({ person: z.union([id, email]) })

async function findPerson(service: Service, name: string): Promise<PersonListing> {
  const found = name.includes('@') ? await personPages(service.db).byEmail(name) : await personPages(service.db).find(name)
  if (found === undefined) throw new CaError('person-not-found', 'there is no person with this id or address')
  return found
}

export const personShow = operation({
  id: 'personShow', method: 'get', path: '/people/{person}', role: 'auditor',
  summary: 'One person, by id or address, and what is theirs in numbers: what would end if all of it were revoked.',
  input: byName,
  output: z.strictObject({
    ...personFields,
    /** Phones that are locked out one by one. */
    phonesLockedOut: z.int(),
    /** Certificates in force and on hold, and the phones that have them. */
    certificatesGood: z.int(), certificatesHeld: z.int(), phonesWithCertificate: z.int(),
    openInvitations: z.int(),
  }),
  async run(service, _actor, { person }) {
    const found = await findPerson(service, person)
    const { phones, phonesLockedOut, good, held, phonesWithCertificate, openInvitations } = await personPages(service.db).reach(found.id, service.now())
    return { ...viewOf(found), phones, phonesLockedOut, certificatesGood: good, certificatesHeld: held, phonesWithCertificate, openInvitations }
  },
})
export type PersonDetail = z.output<typeof personShow.output>

const mostChanges = 100

const storyItem = z.strictObject({
  id: z.int(), at: instant, actor: z.string(), action: z.string(),
  /** `person:…`, `invitation:…`, `device:…` or `certificate:…` */
  subject: z.string(),
  /** The reason that was given, empty where there is none. */
  text: z.string(),
})
export type PersonStoryItem = z.output<typeof storyItem>

export const personStory = operation({
  id: 'personStory', method: 'get', path: '/people/{person}/story', role: 'auditor',
  summary: 'What happened to a person, their invitations, phones and certificates, newest first; at most the last hundred changes.',
  input: byName,
  output: z.strictObject({ items: z.array(storyItem) }),
  async run(service, _actor, { person }) {
    const { id: personId } = await findPerson(service, person)
    const changes = await personPages(service.db).changes(personId, mostChanges)
    return { items: changes.map(({ id: number, at: made, actor, action, subject, detail }) => ({
      id: number, at: at(made), actor, action, subject, text: [detail['reason'], detail['cause']].filter(part => typeof part === 'string' && part !== '').join(': '),
    })) }
  },
})
