import itertools, multiprocessing, os, re, socket, time

def never_sleep():
    while True:
        pass

client = socket.create_connection(("localhost", 11211))
replies = client.makefile("rb")

def ask(line):
    client.sendall(line + b"\r\n")
    return b"".join(itertools.takewhile(b"END\r\n".__ne__, replies)).decode()

pid = re.search(r"pid (\d+)", ask(b"stats"))[1]
neighbour = multiprocessing.Process(target=never_sleep, daemon=True)
neighbour.start()
for process in [neighbour.pid] + [int(task) for task in os.listdir(f"/proc/{pid}/task")]:
    os.sched_setaffinity(process, {0})
fastest = 1.0
for attempt in range(40):
    start = time.time()
    for _ in range(50):
        ask(b"get nothing")
    fastest = min(fastest, (time.time() - start) / 50)
print("beside a busy neighbour a reply takes", "longer" if fastest > 0.0007 else "less", "than 0.7 ms")
