import itertools, os, re, socket, time

client = socket.create_connection(("localhost", 11211))
replies = client.makefile("rb")

def ask(line):
    client.sendall(line + b"\r\n")
    return b"".join(itertools.takewhile(b"END\r\n".__ne__, replies)).decode()

pid = re.search(r"pid (\d+)", ask(b"stats"))[1]
tasks = os.listdir(f"/proc/{pid}/task")
processors = sorted(os.sched_getaffinity(0))
for task in tasks:
    os.sched_setaffinity(int(task), processors[:1])
os.sched_setaffinity(0, processors[-1:])

def slept():
    status = "".join(open(f"/proc/{pid}/task/{task}/status").read() for task in tasks)
    return sum(map(int, re.findall(r"\bvoluntary_ctxt_switches:\s*(\d+)", status)))

fewest = 50
for attempt in range(100):
    before = slept()
    for _ in range(50):
        ask(b"get nothing")
    fewest = min(fewest, slept() - before)
    if fewest < 25:
        break
    time.sleep(0.03)
print("50 replies, and the server slept", "less than 25 times" if fewest < 25 else "before nearly all of them")
