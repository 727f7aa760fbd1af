import test from 'ava'
import { serverAddresses } from '../../src/store/server-addresses.ts'

test('an address of one server is taken as it is', t => {
  for (const text of ['postgres://ada:p%40ss@db.example:5433/latchkey?sslmode=verify-full', 'postgresql:///latchkey?host=/run/postgresql', 'postgres://[::1]:5432/db']) {
    t.deepEqual(serverAddresses(text), [text])
  }
})

test('several servers are tried in their order, each with the same user, database and options', t => {
  t.deepEqual(serverAddresses('postgresql://ada:p%40,ss@a:5432,b.example,[::1]:5433/db?sslmode=require&target_session_attrs=read-write'), [
    'postgresql://ada:p%40,ss@a:5432/db?sslmode=require', 'postgresql://ada:p%40,ss@b.example/db?sslmode=require', 'postgresql://ada:p%40,ss@[::1]:5433/db?sslmode=require',
  ])
})

test('what would mean something else is refused, and no password is repeated', t => {
  const refused = {
    'mysql://a/db': 'must begin with postgres://', 'postgres//ada:swordfish@a/db': 'must begin with postgres://', 'postgres://ada:swordfish@a,,b/db': 'names a server without a host',
    'postgres://ada:swordfish@a:port,b/db': 'is not an address', 'postgres://a,b/db?host=c': 'names its servers twice', 'postgres://a/db?target_session_attrs=any': 'target_session_attrs must be read-write or primary',
  }
  for (const [text, message] of Object.entries(refused)) t.throws(() => serverAddresses(text), { message })
})
