import type { Command } from 'commander'
import { personList, personShow, personStory } from '../protocols/api/operations/people.ts'
import { group, leaf, line, more, paged, searchWords, sorted, type Context, type Paged, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function personCommands(root: Command, world: World): void {
  const person = group(root, 'person', 'people who were invited')
  leaf(person, world, 'list', 'people, newest first', list, command => sorted(paged(command), 'created or person').option('--search <text>', searchWords))
  leaf(person, world, 'show <person>', 'one person, by id or address, and what is theirs', show)
  leaf(person, world, 'story <person>', 'what happened to one person, their invitations, phones and certificates', story)
}

async function list({ client, print }: Context, { search, sort, limit, cursor }: Paged & { search?: string, sort?: 'person' }): Promise<void> {
  print(await client.call(personList, { search, sort, limit, cursor }), ({ items, next, lookedBackTo }) => table(['name', 'email', 'phones', 'groups', 'held since', 'since', 'id'],
    items.map(p => [p.name, p.email, p.phones, p.groups.join(', '), when(p.heldAt), when(p.createdAt), p.id])) + more(next) + (lookedBackTo === null ? '' : line(`looked back to ${when(lookedBackTo)}`)))
}

async function show({ client, print }: Context, _options: object, person: string): Promise<void> {
  print(await client.call(personShow, { person }), p => fields([
    ['id', p.id], ['name', p.name], ['email', p.email], ['user principal name', p.userPrincipalName], ['groups', p.groups.join(', ')], ['language', p.language], ['since', when(p.createdAt)], ['held since', when(p.heldAt)],
    ['phones', p.phones], ['locked out', p.phonesLockedOut], ['certificates good', p.certificatesGood], ['certificates held', p.certificatesHeld], ['open invitations', p.openInvitations],
  ]))
}

async function story({ client, print }: Context, _options: object, person: string): Promise<void> {
  print(await client.call(personStory, { person }), ({ items }) => table(['when', 'what', 'by', 'about', 'text'], items.map(e => [when(e.at), e.action, e.actor, e.subject, e.text])))
}
