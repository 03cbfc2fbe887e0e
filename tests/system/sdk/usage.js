// Calls of the vendor's SDK for JavaScript, unchanged, by name: each line of the input is {"method", "args"} of its UsageApi, each line of
// the output {"status", "headers", "body"}, or what was thrown. The first line says where: {"port", "token"}; with {"port", "id",
// "secret"} it signs in first.
const readline = require('readline');
const platformClient = require('purecloud-platform-client-v2');

const client = platformClient.ApiClient.instance;
const usage = new platformClient.UsageApi();

async function begin({ port, token, id, secret }) {
	client.config.setGateway({ host: '127.0.0.1', protocol: 'http', port });
	client.setReturnExtendedResponses(true);
	if (token) client.setAccessToken(token);
	else await client.loginClientCredentialsGrant(id, secret);
	return { status: 200 };
}

async function call({ method, args }) {
	try {
		const { status, headers, body } = await usage[method](...args);
		return { status, headers, body };
	} catch (thrown) {
		if (thrown.status === undefined) return { thrown: String(thrown) };
		return { status: thrown.status, headers: thrown.headers, body: thrown.body };
	}
}

async function main() {
	let started = false;
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const asked = JSON.parse(line);
		const answer = started ? await call(asked) : await begin(asked);
		started = true;
		process.stdout.write(JSON.stringify(answer) + '\n');
	}
}

main();
