/** The client that the conformance suite starts: hands its scenario on to the driver, whose URL is the first argument. */
const [driver = "", serverUrl] = process.argv.slice(2);
const {
  MCP_CONFORMANCE_SCENARIO: scenario,
  MCP_CONFORMANCE_PROTOCOL_VERSION: revision,
  MCP_CONFORMANCE_CONTEXT: context = "{}",
} = process.env;
const { toolCalls } = JSON.parse(context);

const response = await fetch(driver, {
  method: "POST",
  body: JSON.stringify({ scenario, revision, serverUrl, toolCalls }),
});
if (!response.ok) {
  process.stderr.write(`${await response.text()}\n`);
  process.exitCode = 1;
}
